import Testing
import ThreadKit

@Suite struct `A conductor` {
    /// Runs three threads that give their turn away three times each; who was on, in order.
    private func order(seed: UInt64) -> [String] {
        let order = Monitor<[String]>([])
        let conductor = Conductor(seed: seed, turnsMax: 1000) { fatalError($0) }
        let player = NamedThread("conducted") {
            conductor.run {
                let threads = ["a", "b", "c"].map { name in
                    NamedThread(name) {
                        for _ in 0..<3 {
                            order.with { $0.append(name) }
                            Conductor.pause(.zero)
                        }
                    }
                }
                for thread in threads { thread.join() }
            }
        }
        player.join()
        return order.with { $0 }
    }

    @Test func `lets threads go in an order that the seed decides`() {
        let orders = (UInt64(1)...8).map { order(seed: $0) }
        for (seed, first) in zip(UInt64(1)...8, orders) {
            #expect(first.sorted() == ["a", "a", "a", "b", "b", "b", "c", "c", "c"])
            #expect(order(seed: seed) == first, "seed \(seed)")
        }
        #expect(Set(orders).count > 1)
    }

    @Test func `wakes who waits for what another does, and lets time pass where nobody can go on`() {
        let conductor = Conductor(seed: 1, turnsMax: 1000) { fatalError($0) }
        let value = Monitor(0)
        let times = Monitor<[Duration]>([])
        let player = NamedThread("conducted") {
            conductor.run {
                let late = NamedThread("late") {
                    Conductor.pause(.seconds(3600))
                    value.with { $0 = 1 }
                }
                value.wait(until: { $0 == 1 }, timeout: .seconds(60)) { _ in }
                times.with { $0.append(conductor.elapsed) }
                value.wait(until: { $0 == 1 }) { _ in }
                times.with { $0.append(conductor.elapsed) }
                late.join()
            }
        }
        player.join()
        #expect(times.with { $0 } == [.seconds(60), .seconds(3600)])
    }
}
