package import ConcordHTTP

extension Endpoints {
    /// Every endpoint: its method and its path.
    package static let table: [(method: HTTPMethod, pathTemplate: String)] = []
}
