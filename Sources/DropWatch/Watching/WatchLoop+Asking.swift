import DropCore

extension WatchLoop {
    /// What the watcher knows of one file.
    package enum Knowledge: Sendable, Equatable {
        case settling(Settling.Waiting?)
        case delivered
        case refused(DropError)
        case unrouted
    }

    func knowledge(of name: FileName, in path: FolderPath) -> Knowledge? {
        switch folders[path]?.entries[name]?.phase {
        case .settling(_, let waiting): .settling(waiting)
        case .delivered: .delivered
        case .refused(let error, _): .refused(error)
        case .unrouted: .unrouted
        case .marker, nil: nil
        }
    }

    /// Per source, in the order of the configuration; the drop zone's root is not a source.
    func status() -> [SourceStatus] {
        let now = Instant.now
        return feeds.compactMap { feed in
            guard let source = feed.source else { return nil }
            var (waiting, refused) = (0, 0)
            var oldest: Instant?
            for folder in folders.values where folder.feed === feed {
                for entry in folder.entries.values {
                    switch entry.phase {
                    case .settling, .delivered:
                        waiting += 1
                        oldest = min(oldest ?? entry.firstSeen, entry.firstSeen)
                    case .refused, .unrouted: refused += 1
                    case .marker: break
                    }
                }
            }
            let alarms = feed.unwatched.map { "\($0.key) is polled: \($0.value)" }.sorted()
            return SourceStatus(
                source: source, mode: feed.mode, alarms: alarms, waiting: waiting, refused: refused,
                oldestWaiting: oldest.map { now - $0 })
        }
    }

    /// Files that are known and neither claimed nor with the pipeline, with what each waits for.
    func left() -> [(folder: FolderPath, name: FileName, knowledge: Knowledge)] {
        folders.values.flatMap { folder in
            folder.entries.keys.compactMap { name in
                guard let knowledge = knowledge(of: name, in: folder.path), knowledge != .delivered else { return nil }
                return (folder.path, name, knowledge)
            }
        }
    }
}
