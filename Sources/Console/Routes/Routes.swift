import Contract

/// All doors of a server.
enum Routes {
    static let base = "/api/v1"

    static func all(
        of service: ConsoleService, _ configuration: ConsoleConfiguration, metrics: RequestMetrics, assets: Assets
    ) -> [Route] {
        var routes = CaseRoutes(service: service.cases).all + CommandRoutes(service: service.cases).all
        routes += AttachmentRoutes(service: service.cases).all
        routes += DirectoryRoutes(service: service).all + SessionRoutes(service: service, configuration).all
        routes += PublicRoutes(service: service, configuration, metrics: metrics, assets: assets).all
        switch service {
        case .node(let node): routes += NodeRoutes(service: node).all
        case .hub(let hub): routes += HubRoutes(service: hub, configuration).all
        }
        let document = OpenAPI.document(routes, of: service)
        routes.append(OpenAPI.route(document))
        return routes
    }
}
