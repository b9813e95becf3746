import Glibc
import Testing
import ThreadKit

@Suite struct `A monitor` {
    @Test func `lets those go on whose question is answered, and nobody else`() {
        let value = Monitor(0)
        let order = Monitor<[Int]>([])
        let threads = [2, 1].map { wanted in
            NamedThread("waits-for-\(wanted)") {
                value.wait(until: { $0 >= wanted }) { _ in order.with { $0.append(wanted) } }
            }
        }
        value.with { $0 = 1 }
        order.wait(until: { !$0.isEmpty }) { #expect($0 == [1]) }
        value.with { $0 = 2 }
        for thread in threads { thread.join() }
        #expect(order.with { $0 } == [1, 2])
    }

    @Test(arguments: [false, true]) func `wakes one waiter after the other for what each of them takes away`(asOneOfMany: Bool) {
        let tokens = Monitor(0)
        let takers = (0..<4).map { _ in
            NamedThread("taker") {
                for _ in 0..<500 { tokens.wait(until: { $0 > 0 }, asOneOfMany: asOneOfMany) { $0 -= 1 } }
            }
        }
        for _ in 0..<2000 { tokens.with { $0 += 1 } }
        for taker in takers { taker.join() }
        #expect(tokens.with { $0 } == 0)
    }

    @Test func `wakes one of many for what one of them can take`() {
        let tokens = Monitor(0)
        let asked = Monitor(0)
        let takers = (0..<4).map { _ in
            NamedThread("taker") {
                let mine = pthread_self()
                tokens.wait(
                    until: { tokens in
                        // On its own thread a waiter asks when it comes, and when it is woken.
                        if pthread_equal(pthread_self(), mine) != 0 { asked.with { $0 += 1 } }
                        return tokens > 0
                    }, asOneOfMany: true
                ) { $0 -= 1 }
            }
        }
        for gone in 0..<4 {
            asked.wait(until: { $0 == 4 + gone }) { _ in }
            tokens.with { $0 += 1 }
        }
        for taker in takers { taker.join() }
        #expect(asked.with { $0 } == 8)
    }

    @Test func `lets a waiter go on after its timeout`() {
        let value = Monitor(0)
        #expect(value.wait(until: { $0 > 0 }, timeout: .milliseconds(5)) { $0 } == 0)
        value.with { $0 = 1 }
        #expect(value.wait(until: { $0 > 0 }, timeout: .zero) { $0 } == 1)
    }
}

@Suite struct `A side thread` {
    @Test func `runs its half while the caller runs the other`() {
        let side = SideThread("side")
        for round in 1...100 {
            let mine = Monitor(false)
            let theirs = Monitor(false)
            // Each half ends only when the other has begun.
            let (left, right) = side.run(
                {
                    theirs.with { $0 = true }
                    return mine.wait(until: { $0 }) { _ in round }
                },
                beside: {
                    mine.with { $0 = true }
                    return theirs.wait(until: { $0 }) { _ in -round }
                })
            #expect(left == round && right == -round)
        }
    }
}
