import DropCore
import Testing

@testable import Daemon

@Suite struct `A budget of open files` {
    /// What is given out beside the parts that do not grow: connections, warm workers, claims and transforms.
    private func given(_ budget: DescriptorBudget, transforms: Int) -> Int {
        budget.connections + budget.workers * 5 + budget.claims * 2 + transforms * 4
    }

    @Test(arguments: [256, 300, 512, 1024, 4096, 65_536], [1, 2, 4])
    func `never gives out more than there is`(limit: Int, transforms: Int) throws {
        let budget = try DescriptorBudget(limit: limit, connections: 100_000, claims: 100_000, transforms: transforms)
        // 160 are for what does not grow, and for libraries.
        #expect(given(budget, transforms: transforms) <= limit - 160)
        #expect(budget.workers >= transforms)
    }

    @Test func `gives what is wanted where there is enough`() throws {
        let budget = try DescriptorBudget(limit: 65_536, connections: 512, claims: 256, transforms: 2)
        #expect(budget.connections == 512)
        #expect(budget.claims == 256)
    }

    @Test(arguments: [(255, 1), (256, 20)])
    func `that does not reach is refused before anything starts`(limit: Int, transforms: Int) {
        do throws(StartError) {
            _ = try DescriptorBudget(limit: limit, connections: 8, claims: 8, transforms: transforms)
            Issue.record("it was made")
        } catch { #expect(error.code == .openFiles) }
    }
}
