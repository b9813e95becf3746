import DropCore
import DropWatch
import HomeConfiguration
import HomeReports
import Logging
import Pipeline

/// What a service manager is told, and what it asks for with a signal.
extension Engine {
    /// Every second, on the thread that tends the home. The snapshot takes the pipeline's lock: a daemon in which that is never
    /// free again says nothing more, and is ended.
    func tellAlive(after seconds: Int) {
        guard intake.isDaemon, notices.isHeard else { return }
        let snapshot = pipeline.snapshot()
        let suspended = snapshot.suspended.count
        notices.status(
            "\(counted(home.configuration.sources.count, "source")), \(counted(snapshot.inFlight.count, "drop")) in hand"
                + (suspended > 0 ? ", \(counted(suspended, "source")) suspended" : "")
                + (snapshot.diskIsFull ? ", the disk is full" : ""))
        notices.alive(after: seconds)
    }
}
