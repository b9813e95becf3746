import DropCore
import DropWatch
import HomeReports
import Pipeline
import PluginHost
import TwinAPI
import TwinStore

/// What `/metrics` shows of a running engine.
struct EngineMetrics {
    let snapshot: PipelineSnapshot
    let watched: [DropWatch.SourceStatus]
    let waiting: WaitingReport
    let watcherRestarts: Int
    let plugins: [PluginHost.SourceStatus]
    let store: TwinStore
    let totals: [SourceName: DropBooks]
    /// How drops ended since the start.
    let ends: [SourceName: [DropOutcome: Int]]
    /// When each source's last delivery came, and how those stand of which deliveries are expected.
    let last: [SourceName: UInt64]
    let expected: [(source: SourceName, standing: Punctuality)]
    let channels: [Notifier.Standing]
    /// The folders of the home, each with the room its file system has; nil where that cannot be told.
    let space: [(folder: String, space: FreeSpace?)]

    var families: [MetricFamily] { graph + disk + drops + operations + flow + watching + left + deliveries + notices }

    private var left: [MetricFamily] {
        var files = MetricFamily(
            "twindrop_left_files", .gauge, "Files in the drop zone that are not processed, by source and reason.")
        var oldest = MetricFamily(
            "twindrop_left_files_oldest_seconds", .gauge, "Age of the oldest of them, by source and reason.")
        for group in waiting.groups {
            let labels: KeyValuePairs = ["source": group.source ?? "", "reason": group.code.rawValue]
            files.add(Double(group.files), labels)
            oldest.add(Double(group.oldestSeconds), labels)
        }
        var drops = MetricFamily("twindrop_waiting_drops", .gauge, "Claimed drops that do not go on, by source and reason.")
        for (labels, count) in Dictionary(grouping: waiting.drops, by: { [$0.record.source.text, $0.reason.code.rawValue] })
            .mapValues(\.count).sorted(by: { $0.key.lexicographicallyPrecedes($1.key) })
        {
            drops.add(Double(count), ["source": labels[0], "reason": labels[1]])
        }
        var unserved = MetricFamily(
            "twindrop_source_unserved", .gauge, "1 for each source that is not served, and its reason; the drop zone has no name."
        )
        for one in waiting.unserved { unserved.add(1, ["source": one.source ?? "", "reason": one.reason.code.rawValue]) }
        return [files, oldest, drops, unserved]
    }

    private var graph: [MetricFamily] {
        // A database that cannot be read shows nothing here; readiness and logs say why.
        guard let counts = try? store.history.counts() else { return [] }
        return [
            MetricFamily("twindrop_twins", .gauge, "Twins in the graph.", Double(counts.twins)),
            MetricFamily("twindrop_relationships", .gauge, "Relationships in the graph.", Double(counts.relationships)),
            MetricFamily(
                "twindrop_waiting_relationships", .gauge, "Relationships that wait for a twin.", Double(counts.pending)),
            MetricFamily("twindrop_commits_total", .counter, "Commits since the home was made.", Double(counts.commits)),
        ]
    }

    private var disk: [MetricFamily] {
        var free = MetricFamily("twindrop_disk_free_bytes", .gauge, "Free bytes of the file system that holds a folder.")
        var size = MetricFamily("twindrop_disk_size_bytes", .gauge, "Size of the file system that holds a folder.")
        for case (let folder, let space?) in space {
            free.add(Double(space.bytesFree), ["folder": folder])
            size.add(Double(space.bytesTotal), ["folder": folder])
        }
        return [
            free, size,
            MetricFamily(
                "twindrop_disk_full", .gauge, "1 while files wait because the disk is full.", snapshot.diskIsFull ? 1 : 0),
            MetricFamily(
                "twindrop_archive_full", .gauge, "1 while drops wait because the disk of the archive is full.",
                snapshot.archiveTrouble == nil ? 0 : 1),
            MetricFamily(
                "twindrop_receipts_owed", .gauge, "Sources whose receipts cannot be written now.",
                Double(snapshot.receiptTroubles.count)),
        ]
    }

    private var drops: [MetricFamily] {
        var family = MetricFamily("twindrop_drops", .gauge, "Drops in the register, by source and state.")
        for known in (try? store.lists.statistics()) ?? [] {  // As above.
            for state in DropState.allCases {
                guard let count = known.drops[state] else { continue }
                family.add(Double(count), ["source": known.source.text, "state": state.rawValue])
            }
        }
        var ended = MetricFamily(
            "twindrop_drop_outcomes_total", .counter, "Drops that came to an end since the start, by source and outcome.")
        // From the start, with what did not occur yet: who asks for the increase sees the first one, too.
        for source in plugins.map(\.source) {
            for outcome in DropOutcome.allCases {
                ended.add(Double(ends[source]?[outcome] ?? 0), ["source": source.text, "outcome": outcome.rawValue])
            }
        }
        return [family, ended]
    }

    private var operations: [MetricFamily] {
        var records = MetricFamily(
            "twindrop_records_total", .counter, "Records of applied drops since the start, by source and outcome.")
        var operations = MetricFamily(
            "twindrop_operations_total", .counter, "Operations of applied drops since the start, by source and outcome.")
        for (source, books) in totals.sorted(by: { $0.key < $1.key }) {
            let name = source.text
            records.add(Double(books.recordsUsed), ["source": name, "outcome": "used"])
            records.add(Double(books.recordsFiltered), ["source": name, "outcome": "filtered"])
            records.add(Double(books.recordsRejected), ["source": name, "outcome": "rejected"])
            for (outcome, count) in [
                ("created", books.created), ("updated", books.updated), ("unchanged", books.unchanged),
                ("deleted", books.deleted), ("rejected", books.rejected), ("superseded", books.superseded),
                ("deleted-by-absence", books.deletedByAbsence), ("deleted-with-twins", books.deletedWithTwins),
                ("waiting", books.waiting),
            ] {
                operations.add(Double(count), ["source": name, "outcome": outcome])
            }
        }
        return [records, operations]
    }

    private var flow: [MetricFamily] {
        var stages = MetricFamily("twindrop_stage_duration_seconds", .histogram, "How long the stages of the flow took.")
        for stage in StageTimes.Stage.allCases {
            stages.add(snapshot.times.durations[stage] ?? DurationHistogram(), ["stage": stage.rawValue])
        }
        var queues = MetricFamily("twindrop_queue_length", .gauge, "Files and drops that wait for a stage.")
        for queue in snapshot.queues { queues.add(Double(queue.count), ["stage": queue.stage]) }
        return [
            stages, queues,
            MetricFamily("twindrop_drops_in_flight", .gauge, "Drops between claim and end.", Double(snapshot.inFlight.count)),
        ]
    }

    private var deliveries: [MetricFamily] {
        var newest = MetricFamily(
            "twindrop_source_last_delivery_timestamp_seconds", .gauge,
            "When the last delivery of a source came, in seconds since 1970.")
        for (source, time) in last.sorted(by: { $0.key < $1.key }) {
            newest.add(Double(time) / 1000, ["source": source.text])
        }
        var late = MetricFamily("twindrop_source_late", .gauge, "1 while a delivery that is expected of a source has not come.")
        var due = MetricFamily(
            "twindrop_source_expected_timestamp_seconds", .gauge,
            "When a source is, or became, late unless a delivery comes, in seconds since 1970.")
        for (source, standing) in expected {
            late.add(standing.isLate ? 1 : 0, ["source": source.text])
            due.add(Double(standing.due) / 1000, ["source": source.text])
        }
        return [newest, late, due]
    }

    private var notices: [MetricFamily] {
        var sent = MetricFamily("twindrop_notices_sent_total", .counter, "Conditions that people were told of, by channel.")
        var failures = MetricFamily(
            "twindrop_notify_failures_total", .counter, "Attempts to tell people that failed, by channel.")
        var waiting = MetricFamily(
            "twindrop_notices_waiting", .gauge, "Conditions that people are still to be told of, by channel.")
        for channel in channels {
            sent.add(Double(channel.sent), ["channel": channel.channel])
            failures.add(Double(channel.failures), ["channel": channel.channel])
            waiting.add(Double(channel.waiting), ["channel": channel.channel])
        }
        return [sent, failures, waiting]
    }

    private var watching: [MetricFamily] {
        var waiting = MetricFamily("twindrop_waiting_files", .gauge, "Files in the drop zone that are not settled, by source.")
        var oldest = MetricFamily("twindrop_oldest_waiting_file_seconds", .gauge, "Age of the oldest waiting file, by source.")
        for source in watched {
            waiting.add(Double(source.waiting), ["source": source.source.text])
            oldest.add((source.oldestWaiting ?? .zero) / .seconds(1), ["source": source.source.text])
        }
        var starts = MetricFamily("twindrop_worker_starts_total", .counter, "Plugin workers started, by source.")
        var restarts = MetricFamily(
            "twindrop_worker_restarts_total", .counter,
            "Plugin workers that followed another: after a failure, a change of the plugin, a limit or a rest, by source.")
        var suspended = MetricFamily("twindrop_source_suspended", .gauge, "1 while a source is suspended.")
        for plugin in plugins {
            starts.add(Double(plugin.workerStarts), ["source": plugin.source.text])
            restarts.add(Double(max(0, plugin.workerStarts - 1)), ["source": plugin.source.text])
            let isSuspended = plugin.suspension != nil || snapshot.suspended.contains(plugin.source)
            suspended.add(isSuspended ? 1 : 0, ["source": plugin.source.text])
        }
        return [
            waiting, oldest, starts, restarts, suspended,
            MetricFamily(
                "twindrop_watcher_restarts_total", .counter, "Restarts of the watching process.", Double(watcherRestarts)),
        ]
    }
}
