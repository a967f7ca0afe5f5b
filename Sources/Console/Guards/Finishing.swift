import HTTPTypes
import Hummingbird
import Logging

/// Outermost: finds the route, turns every error into a problem document, and counts every request.
struct Finishing: Sendable {
    let table: RouteTable
    let gate: Gate
    let metrics: RequestMetrics
    let logger: Logger

    func answer(_ request: Request, from source: Source) async -> Response {
        let start = ContinuousClock.now
        let response: Response
        var found = "none"
        switch table.match(request.method, request.uri.path) {
        case .route(let route, let parameters):
            found = route.path
            response = await serve(request, source, route, parameters)
        case .head(let route, let parameters):
            found = route.path
            response = await serve(request, source, route, parameters).createHeadResponse()
        case .otherMethods(let methods): response = Problem.methodNotAllowed(methods).response
        case .nothing: response = Problem.notFound.response
        }
        metrics.record(
            request.method, route: found, status: response.status.code, took: ContinuousClock.now - start)
        return response
    }

    private func serve(
        _ request: Request, _ source: Source, _ route: Route, _ parameters: RouteTable.Parameters
    ) async -> Response {
        do {
            return try await gate.serve(request, source, route, parameters)
        } catch {
            if let problem = Problem(error) { return problem.response }
            logger.error("request failed", metadata: ["error": "\(error)", "route": "\(route.path)"])
            return Problem.failure.response
        }
    }
}
