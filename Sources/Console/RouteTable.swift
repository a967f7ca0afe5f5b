import HTTPTypes

/// Finds the route of a request by its path and method. Parts of a path are compared as they come, without decoding;
/// a name of a template beats a parameter in the same place, and empty parts do not count.
struct RouteTable: Sendable {
    /// What a path and a method lead to.
    enum Match: Sendable {
        case route(Route, Parameters)
        /// HEAD, answered by the GET route without its body.
        case head(Route, Parameters)
        /// The path exists with these methods only.
        case otherMethods([String])
        case nothing
    }

    /// The parts of a path that stand for a template's names.
    struct Parameters: Sendable {
        fileprivate var values: [(name: Substring, value: Substring)] = []

        func get(_ name: String) -> Substring? { values.first { $0.name == name }?.value }
    }

    private struct Place: Sendable {
        /// By the template's text.
        var names: [Substring: Int] = [:]
        /// `{id}`: its name and the place behind it.
        var parameters: [(name: Substring, place: Int)] = []
        var routes: [HTTPRequest.Method: Route] = [:]
    }

    /// A tree in one array; the root is the first.
    private var places = [Place()]

    init(_ routes: [Route]) {
        for route in routes {
            var place = 0
            for part in Self.parts(of: route.path) { place = add(part, at: place) }
            precondition(places[place].routes[route.method] == nil, "two routes \(route.method) \(route.path)")
            places[place].routes[route.method] = route
        }
    }

    private mutating func add(_ part: Substring, at place: Int) -> Int {
        let isParameter = part.hasPrefix("{")
        let name = isParameter ? part.dropFirst().dropLast() : part
        let known = isParameter ? places[place].parameters.first { $0.name == name }?.place : places[place].names[part]
        if let known { return known }
        places.append(Place())
        let new = places.count - 1
        if isParameter { places[place].parameters.append((name, new)) } else { places[place].names[part] = new }
        return new
    }

    private static func parts(of path: String) -> [Substring] {
        path.utf8.split(separator: UInt8(ascii: "/")).map { Substring($0) }
    }

    /// - Parameter path: without a query.
    func match(_ method: HTTPRequest.Method, _ path: String) -> Match {
        let parts = Self.parts(of: path)
        var methods: [HTTPRequest.Method] = []
        if let match = find(method, parts[...], at: 0, Parameters(), &methods) { return match }
        guard !methods.isEmpty else { return .nothing }
        if methods.contains(.get) { methods.append(.head) }
        return .otherMethods(Set(methods.map(\.rawValue)).sorted())
    }

    /// The tree is as deep as the longest template, whatever a path holds.
    private func find(
        _ method: HTTPRequest.Method, _ parts: ArraySlice<Substring>, at index: Int, _ parameters: Parameters,
        _ methods: inout [HTTPRequest.Method]
    ) -> Match? {
        guard let part = parts.first else {
            let routes = places[index].routes
            if let route = routes[method] { return .route(route, parameters) }
            if method == .head, let route = routes[.get] { return .head(route, parameters) }
            methods += routes.keys
            return nil
        }
        let rest = parts.dropFirst()
        if let place = places[index].names[part],
            let match = find(method, rest, at: place, parameters, &methods)
        {
            return match
        }
        for (name, place) in places[index].parameters {
            var parameters = parameters
            parameters.values.append((name, part))
            if let match = find(method, rest, at: place, parameters, &methods) { return match }
        }
        return nil
    }
}
