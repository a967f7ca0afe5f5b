import HTTPTypes
import Hummingbird
import Logging

/// Outermost middleware: every error becomes a problem document, every request is counted.
struct Finishing: RouterMiddleware {
    let routes: [Route]
    let metrics: RequestMetrics

    func handle(
        _ request: Request, context: ConsoleContext,
        next: @concurrent (Request, ConsoleContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        let response: Response
        do {
            response = try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound {
            response = unrouted(request).response
        } catch {
            response = answer(to: error, context)
        }
        metrics.record(
            request.method, route: context.endpointPath ?? "none", status: response.status.code,
            took: ContinuousClock.now - start)
        return response
    }

    private func answer(to error: any Error, _ context: ConsoleContext) -> Response {
        if let problem = Problem(error) { return problem.response }
        context.logger.error(
            "request failed",
            metadata: ["error": "\(error)", "route": "\(context.endpointPath ?? "none")"])
        return Problem.failure.response
    }

    /// 405 where the path exists with another method, else 404.
    private func unrouted(_ request: Request) -> Problem {
        let parts = request.uri.path.split(separator: "/")
        let methods = routes.filter { route in
            let template = route.path.split(separator: "/")
            return template.count == parts.count
                && zip(template, parts).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }.map(\.method.rawValue)
        guard !methods.isEmpty else { return .notFound }
        return .methodNotAllowed(Array(Set(methods + (methods.contains("GET") ? ["HEAD"] : []))).sorted())
    }
}
