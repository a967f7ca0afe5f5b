import Federation
import Store
import Testing

/// The failures that a `MemoryStore` makes on demand.
@Suite struct ContractFailureTests {
    private struct Broken: Error {}

    @Test func aFailureBeforeSavesNothing() async throws {
        let store = MemoryStore()
        var office = ContractOffice()
        try await office.begin(store)
        store.failNextCommit(.before(Broken()))
        let batch = try office.batch([office.register()])
        await #expect(throws: Broken.self) { try await store.commit(batch) }
        #expect(try await store.resume(office.origin, token: 7) == .empty)
        try await store.commit(batch)
        #expect(store.commits == 1)
    }

    @Test func aFailureAfterSavesAll() async throws {
        let store = MemoryStore()
        var office = ContractOffice()
        try await office.begin(store)
        store.failNextCommit(.after(StoreError.outcomeUnknown))
        let batch = try office.batch([office.register()])
        await #expect(throws: StoreError.outcomeUnknown) { try await store.commit(batch) }
        #expect(try await store.resume(office.origin, token: 7) == office.stored)
        #expect(try await store.journal(of: office.origin, after: 0).count == 1)
    }
}
