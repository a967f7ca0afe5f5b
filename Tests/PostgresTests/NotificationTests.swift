import Logging
import Testing

@testable import Postgres

@Suite struct NotificationTests {
    @Test func listenerHearsAndReconnects() async throws {
        var configuration = try await TestServer.configuration()
        configuration.applicationName = "listener-test"
        let listener = try NotificationListener(
            configuration: configuration, channels: ["news", "Other \"news\""], logger: TestServer.logger)
        let running = Task { await listener.run() }
        var events = listener.events.makeAsyncIterator()
        #expect(await events.next() == .listening)

        let connection = try await TestServer.connect()
        try await connection.notify("news", payload: "one")
        try await connection.notify("Other \"news\"", payload: "two")
        #expect(await payload(events.next()) == "one")
        #expect(await payload(events.next()) == "two")

        try await connection.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'listener-test'")
        #expect(await events.next() == .listening)
        try await connection.notify("news", payload: "three")
        #expect(await payload(events.next()) == "three")

        running.cancel()
        await running.value
        #expect(await events.next() == nil)
    }

    private func payload(_ event: NotificationListener.Event?) -> String? {
        guard case .notification(let notification) = event else { return nil }
        return notification.payload
    }

    @Test func waitingOnAConnection() async throws {
        let connection = try await TestServer.connect()
        try await connection.listen("here")
        #expect(try await connection.waitForNotifications(timeout: .milliseconds(20)).isEmpty)
        try await connection.notify("here", payload: "x")
        let list = try await connection.waitForNotifications(timeout: .seconds(5))
        let process = await connection.processID
        #expect(list == [Notification(channel: "here", payload: "x", processID: process)])
    }
}
