import CurlKit
import DropCore
package import TwinModel

extension Configuration {
    /// The configuration with every default written out, under the names of `twindrop.yaml`: what `source check --json` prints.
    /// Lookup tables appear with the number of their rows.
    package var json: JSON {
        [
            "version": 1,
            "paths": [
                "dropzone": .string(paths.dropzone), "archive": .string(paths.archive), "receipts": .string(paths.receipts),
                "state": .string(paths.state), "models": .string(paths.models), "mappings": .string(paths.mappings),
                "plugins": .string(paths.plugins),
            ],
            "sources": .object(sources.map { JSON.Member($0.name.text, $0.json) }),
            "limits": [
                "workers": number(limits.workers), "commit-drops": number(limits.commitDrops),
                "commit-size": size(limits.commitBytes),
                "free-space": [
                    "soft": size(limits.space.softBytes), "soft-share": share(limits.space.softShare),
                    "hard": size(limits.space.hardBytes), "hard-share": share(limits.space.hardShare),
                ],
            ],
            "retention": ["receipts": age(retention.receipts), "revisions": age(retention.revisions)],
            "archive": [
                "level": number(archive.level), "container-drops": number(archive.containerDrops),
                "container-size": size(archive.containerBytes),
            ],
            "http": http.json,
            "outbound": outbound.json,
            "notify": .object(notify.map { JSON.Member($0.name, $0.json) }),
            "log": [
                "level": .string(log.level.rawValue), "format": .string(log.format.rawValue),
                "events": log.events.map(JSON.string) ?? .null,
            ],
            "indexes": texts(indexes),
        ]
    }
}

extension HTTPSettings {
    fileprivate var json: JSON {
        let address: JSON =
            switch listen {
            case .off: "off"
            case .at(let host, let port, _): .string(host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)")
            }
        // What is not there has no default that could be written, and is left out.
        var optional: [JSON.Member] = []
        if let tls { optional.append(.init("tls", ["certificates": .string(tls.certificates), "key": .string(tls.key)])) }
        if let tokens { optional.append(.init("tokens", .string(tokens))) }
        if let jwt { optional.append(.init("jwt", jwt.json)) }
        let always: JSON = [
            "listen": address, "anonymous": .string(anonymous.rawValue), "hosts": texts(hosts),
            "endpoints": texts(endpoints), "models": .string(models.rawValue),
            "insecure": .bool(insecure),
            "limits": [
                "body": size(limits.bodyBytes), "models": size(limits.modelsBytes), "headers": size(limits.headerBytes),
                "connections": number(limits.connections), "read-time": duration(limits.readTime),
                "write-time": duration(limits.writeTime), "idle-time": duration(limits.idleTime),
                "stop-time": duration(limits.stopTime), "read-threads": number(limits.readThreads),
                "write-threads": number(limits.writeThreads), "query-threads": number(limits.queryThreads),
                "twins": number(limits.twins),
            ],
            "jobs": [
                "folders": texts(jobs.folders), "hosts": texts(jobs.hosts.map(\.text)),
                "download-size": size(jobs.downloadBytes),
            ],
        ]
        return .object((always.members ?? []) + optional)
    }
}

extension HTTPSettings.JWT {
    fileprivate var json: JSON {
        [
            "issuer": .string(issuer), "audience": .string(audience), "keys": .string(keys.text), "refresh": duration(refresh),
            "role-claim": .string(roleClaim), "role": .string(role.rawValue),
        ]
    }
}

extension HTTPSettings.Keys {
    /// As `keys` is written.
    fileprivate var text: String {
        switch self {
        case .file(let path): path
        case .web(let address): address.shown
        }
    }
}

extension Source {
    /// The source with everything that is in force, under the names of `twindrop.yaml`.
    package var json: JSON {
        let ready = watched.readiness
        let (dangling, mode): (String, String) = (policy.dangling.text, policy.mode == .snapshot ? "snapshot" : "incremental")
        // What is not there has no default that could be written, and is left out.
        var optional: [JSON.Member] = []
        if let expect { optional.append(JSON.Member("expect", expect.json)) }
        if let sequence { optional.append(JSON.Member("sequence", .string(sequence.text))) }
        let always: JSON = [
            "title": .string(title), "folder": .string(watched.folder), "patterns": texts(watched.patterns),
            "recursive": .bool(watched.recursive), "probe": .bool(watched.probes),
            "ready": [
                "rule": .string(ready.kind.word), "settle": duration(ready.settle), "marker": .string(ready.markerSuffix),
                "writer-timeout": duration(ready.writerTimeout), "proves-end": .bool(ready.provesEnd),
                "ignore": texts(ready.ignore),
            ],
            "plugin": .string(plugin), "settings": settings, "mode": .string(mode), "dangling": .string(dangling),
            "validation": .string(policy.validation.rawValue),
            "guard": [
                "deletes": share(policy.deletesShareMax), "deletes-free": .int(Int64(clamping: policy.deletesFree)),
                "rejects": share(policy.rejectsShareMax), "rejects-free": .int(Int64(clamping: policy.rejectsFree)),
            ],
            "scope": ["models": texts(policy.models), "twin-prefixes": texts(policy.twinPrefixes)],
            "duplicates": .string(duplicates.rawValue), "order": .string(order.rawValue),
            "empty": .string(empty.rawValue),
            "lookups": .object(lookups.map { JSON.Member($0.name, ["rows": number($0.rows.count)]) }),
            "limits": ["file-size": size(watched.fileBytesMax), "worker": worker.json],
        ]
        return .object((always.members ?? []) + optional)
    }
}

extension WorkerBounds {
    fileprivate var json: JSON {
        [
            "sandbox": .string(sandbox.rawValue), "memory": size(memoryBytes), "cpu": duration(cpu), "wall": duration(wall),
            "wall-per-mib": duration(wallPerMiB), "silence": duration(silence), "output-factor": number(outputFactor),
            "output-free": size(outputBytesFree), "operations-free": .int(Int64(clamping: operationsFree)), "log": size(logBytes),
            "reuse-drops": number(reuseDrops), "reuse-time": duration(reuseTime), "failures-in-a-row": number(failuresMax),
        ]
    }
}

extension ApplyPolicy.Dangling {
    /// As `dangling` is written.
    fileprivate var text: String {
        switch self {
        case .wait(let duration): "wait \(Quantity.text(duration))"
        case .reject: "reject"
        case .stub: "stub"
        }
    }
}

extension ReadinessRule.Kind {
    /// As `ready.rule` is written.
    fileprivate var word: String {
        switch self {
        case .rename: "rename"
        case .marker: "marker"
        case .close: "close"
        case .stable: "stable"
        }
    }
}

private func number(_ value: Int) -> JSON { .int(Int64(value)) }
private func size(_ bytes: UInt64) -> JSON { .string(Quantity.text(size: bytes)) }
private func share(_ share: Double) -> JSON { .string(Quantity.text(share: share)) }
private func duration(_ duration: Duration) -> JSON { .string(Quantity.text(duration)) }
private func age(_ age: Duration?) -> JSON { age.map(duration) ?? "forever" }
private func texts(_ texts: [String]) -> JSON { .array(texts.map(JSON.string)) }
