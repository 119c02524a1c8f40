/// What is fixed while a member runs.
package struct EndpointSettings: Sendable {
    /// Names allowed in `Host` beside IP literals and `localhost`, without a port.
    package var allowedHosts: [String]
    /// Of `GET /v1/version`.
    package var version: String
    package var build: String
    /// The nodes of a page when the request sets no `limit`, and the most that it may ask for.
    package var pageNodesMax: Int
    package var pageBytesMax: Int

    package init(
        allowedHosts: [String] = [], version: String, build: String, pageNodesMax: Int = 1000,
        pageBytesMax: Int = 4 << 20
    ) {
        self.allowedHosts = allowedHosts
        self.version = version
        self.build = build
        self.pageNodesMax = pageNodesMax
        self.pageBytesMax = pageBytesMax
    }
}
