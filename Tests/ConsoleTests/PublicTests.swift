import Casework
import Contract
import HTTPTypes
import JSON
import Synchronization
import Testing

@testable import Console

@Suite struct TrackingTests {
    let client = Client.node().with(token: nil)

    @Test func aPageForPeopleAndJSONForPrograms() async throws {
        let page = await client.get("/track/" + Fixture.code.digits)
        #expect(page.status == 200 && page.headers[.contentType]?.hasPrefix("text/html") == true)
        #expect(page.text.contains(Fixture.code.groupedPersian) && page.text.contains("در انتظار پذیرش"))
        #expect(page.text.contains("۱۴۰۵"), "dates are Jalali")
        let json = await client.get("/track/" + Fixture.code.digits, headers: [.accept: "application/json"])
        #expect(try json.json["tracking_code"]?.string == Fixture.code.digits)
        let api = await client.get("/api/v1/track/" + Fixture.code.digits)
        #expect(try api.json == json.json)
        for (accept, isJSON) in [
            ("*/*", false), ("text/html,application/xhtml+xml,*/*;q=0.8", false),
            ("application/json;q=0.9, text/html;q=0.1", true), ("application/json;q=x,text/html", false),
            (";;,,q", false),
        ] {
            #expect(PublicRoutes.prefersJSON(accept) == isJSON, "\(accept)")
        }
    }

    @Test func codesAsPeopleWriteThem() async {
        let grouped = Fixture.code.groupedPersian
        let encoded = grouped.utf8.map { byte in "%" + Hex.encode([byte]) }.joined()
        #expect(await client.get("/track/" + encoded).status == 200)
        #expect(await client.get("/track?code=\(encoded)&mobile=%DB%B1%DB%B2%DB%B3%DB%B4").status == 200)
        #expect(client.fixture.state.withLock { $0.tracked.last?.1 } == "1234")
        #expect(await client.get("/track?code=").status == 200)
        #expect(await client.get("/track/\(Fixture.code.digits)?fbclid=x").status == 200)
        #expect(await client.get("/track").text.contains("<form"))
    }

    @Test func codesThatAreWrong() async {
        let unknown = TrackingCode(province: 4, random: 1)!.digits
        for headers in [[:], [.accept: "application/json"]] as [HTTPFields] {
            #expect(await client.get("/track/" + unknown, headers: headers).status == 404)
            for code in ["1", "0312345678901", "%3Cscript%3E", "9", String(repeating: "1", count: 300)] {
                let answer = await client.get("/track/" + code, headers: headers)
                #expect(answer.status == 422, "\(code)")
                #expect(!answer.text.contains("<script>"))
            }
        }
        #expect(await client.get("/api/v1/track/" + unknown).problem == "unknown-code")
        #expect(await client.get("/api/v1/track/\(Fixture.code.digits)?mobile=12").status == 422)
    }

    @Test func lookupsAreLimitedByAddress() async {
        var configuration = ConsoleConfiguration()
        configuration.trackingPerMinute = 2
        let client = Client.node(nil, configuration).with(token: nil)
        let path = "/track/" + Fixture.code.digits
        for _ in 0..<2 { #expect(await client.send(.get, path, remote: "198.51.100.1").status == 200) }
        let limited = await client.send(.get, path, remote: "198.51.100.1:4711")
        #expect(limited.status == 429 && limited.headers[.retryAfter] == "30")
        #expect(await client.send(.get, "/api/v1" + path, remote: "198.51.100.1").problem == "rate-limited")
        #expect(await client.send(.get, path, remote: "198.51.100.2").status == 200)
    }

    @Test(arguments: [
        ("192.0.2.1:5000", "192.0.2.1"), ("192.0.2.1", "192.0.2.1"), ("[2001:db8::1]:5000", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"), ("[::1", "[::1"), ("", ""), (":", ""),
    ])
    func portsDoNotCount(address: String, host: String) { #expect(ConsoleRequest.host(of: address) == host) }

    @Test func theProxysAddressCountsOnlyWhenTrusted() async {
        for trusts in [true, false] {
            var configuration = ConsoleConfiguration()
            (configuration.trackingPerMinute, configuration.trustsForwardedFor) = (1, trusts)
            let client = Client.node(nil, configuration).with(token: nil)
            var statuses = [Int]()
            for address in ["203.0.113.1", "203.0.113.9, 203.0.113.2"] {
                let headers: HTTPFields = [HTTPField.Name("X-Forwarded-For")!: address]
                statuses.append(await client.get("/track/" + Fixture.code.digits, headers: headers).status)
            }
            #expect(statuses == [200, trusts ? 200 : 429])
        }
    }
}

@Suite struct TokenBucketTests {
    @Test func fillsAgainWithTime() {
        let buckets = TokenBuckets(capacity: 2, perMinute: 60)
        #expect(buckets.take("a", at: .zero) == nil)
        #expect(buckets.take("a", at: .zero) == nil)
        #expect(buckets.take("a", at: .zero) == 1)
        #expect(buckets.take("a", at: .milliseconds(1_100)) == nil)
        #expect(buckets.take("a", at: .milliseconds(1_100)) == 1)
        #expect(buckets.take("b", at: .milliseconds(1_100)) == nil)
    }

    @Test func memoryIsBounded() {
        let buckets = TokenBuckets(capacity: 3, perMinute: 60, maximum: 100)
        var passed = 0
        for number in 0..<10_000 where buckets.take("10.0.\(number / 256).\(number % 256)", at: .zero) == nil {
            passed += 1
        }
        #expect(buckets.count == 100)
        #expect(passed == 103, "the others share one bucket")
        // Addresses that have rested are forgotten.
        #expect(buckets.take("192.0.2.1", at: .seconds(60)) == nil)
        #expect(buckets.count == 1)
    }

    @Test func oneIPv6NetworkIsOneAddress() {
        let buckets = TokenBuckets(capacity: 1, perMinute: 1)
        #expect(buckets.take("2001:db8:1:2:aaaa::1", at: .zero) == nil)
        #expect(buckets.take("2001:db8:1:2:bbbb::2", at: .zero) != nil)
        #expect(buckets.take("2001:db8:1:3:aaaa::1", at: .zero) == nil)
    }
}

@Suite struct AssetTests {
    @Test func pagesAndAssetsComeFromMemory() async throws {
        for client in [Client.node(), Client.hub()] {
            for path in ["/", "/login", "/assets/api.js", "/assets/base.css"] {
                let first = await client.with(token: nil).get(path)
                #expect(first.status == 200 && !first.body.isEmpty, "\(path)")
                #expect(first.headers[.contentSecurityPolicy] == SecurityHeaders.policy)
                #expect(first.headers[.cacheControl] == "no-cache")
                let tag = try #require(first.headers[.eTag])
                let again = await client.get(path, headers: [.ifNoneMatch: tag])
                #expect(again.status == 304 && again.body.isEmpty && again.headers[.eTag] == tag)
                #expect(await client.get(path, headers: [.ifNoneMatch: "\"other\""]).status == 200)
                let head = await client.send(.head, path)
                #expect(head.status == 200 && head.body.isEmpty)
                #expect(head.headers[.contentLength] == String(first.body.count))
            }
            #expect(await client.get("/assets/track.mustache").status == 404)
            #expect(await client.get("/assets/../login").status == 404)
        }
        #expect(await Client.node().get("/").text != Client.hub().get("/").text)
        #expect(await Client.node().get("/assets/api.js").headers[.contentType] == "text/javascript; charset=utf-8")
    }

    @Test func headOfARouteHasNoBody() async {
        let client = Client.node()
        let answer = await client.send(.head, client.casePath())
        #expect(answer.status == 200 && answer.body.isEmpty && answer.headers[.contentLength] != "0")
    }
}
