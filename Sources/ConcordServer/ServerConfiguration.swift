internal import ConcordLinux
internal import ConcordModel
package import ConcordRaft
package import ConcordReplica

/// What a member is started with, checked.
package struct ServerConfiguration: Sendable {
    package var name: String
    package var dataDirectory: String
    package var listen: Address
    package var peerListen: Address
    /// Who forms the cluster, this member too; `nil` when it was not said.
    package var cluster: [ListedMember]?
    /// The client ports of a running cluster that is to take this member in; `nil` when it was not said.
    package var join: [Address]?
    /// `nil`: made of `listen`.
    package var advertisedClientURL: String?
    /// `nil`: as the cluster's list says, or made of `peerListen`.
    package var advertisedPeerAddress: String?
    package var secret: [UInt8]
    package var allowsUnauthenticated: Bool
    package var raft: RaftSettings
    package var snapshots: SnapshotSettings
    /// The cluster's feature level shall not rise above this; `nil`: as far as all members can.
    package var featureLevelMax: UInt16?
    package var allowedHosts: [String]
    package var minimumLogLevel: LogLevel

    package struct Address: Equatable, Sendable, CustomStringConvertible {
        package var host: String
        package var port: UInt16

        package init(host: String, port: UInt16) {
            self.host = host
            self.port = port
        }

        package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    package init(
        name: String, dataDirectory: String, listen: Address, peerListen: Address, cluster: [ListedMember]? = nil,
        join: [Address]? = nil,
        advertisedClientURL: String? = nil, advertisedPeerAddress: String? = nil, secret: [UInt8] = [],
        allowsUnauthenticated: Bool = false, raft: RaftSettings = RaftSettings(),
        snapshots: SnapshotSettings = SnapshotSettings(), featureLevelMax: UInt16? = nil,
        allowedHosts: [String] = [], minimumLogLevel: LogLevel = .info
    ) {
        self.name = name
        self.dataDirectory = dataDirectory
        self.listen = listen
        self.peerListen = peerListen
        self.cluster = cluster
        self.join = join
        self.advertisedClientURL = advertisedClientURL
        self.advertisedPeerAddress = advertisedPeerAddress
        self.secret = secret
        self.allowsUnauthenticated = allowsUnauthenticated
        self.raft = raft
        self.snapshots = snapshots
        self.featureLevelMax = featureLevelMax
        self.allowedHosts = allowedHosts
        self.minimumLogLevel = minimumLogLevel
    }

    /// The build, for people.
    package static let build = "0.1.0"

    /// What this member tells the others of its feature level.
    var featureLevelTold: UInt16 { min(ModelLimits.featureLevel, featureLevelMax ?? .max) }

    /// Rules between several settings.
    /// - Returns: what is wrong and what would be right, as a sentence without a full stop; `nil` when all is well.
    package func objection() -> String? {
        guard let clientAddress = literal(listen) else {
            return "--listen '\(listen)' is no IP address: a member listens on an address of its own machine, such as "
                + "127.0.0.1:7400 or 0.0.0.0:7400"
        }
        guard let peerAddress = literal(peerListen) else {
            return "--peer-listen '\(peerListen)' is no IP address: a member listens on an address of its own "
                + "machine, such as 127.0.0.1:7401 or 0.0.0.0:7401"
        }
        if listen.port == peerListen.port && listen.port != 0 {
            return "--listen and --peer-listen both use port \(listen.port): give each a port of its own"
        }
        if !clientAddress.isLoopback && !allowsUnauthenticated {
            return "--listen \(listen) can be reached from other machines, and everybody who reaches it may read and "
                + "write everything: add --allow-unauthenticated if that is meant, or listen on 127.0.0.1"
        }
        if secret.isEmpty && (!peerAddress.isLoopback || !clientAddress.isLoopback) {
            return "a member that can be reached from other machines needs a cluster secret: give every member the "
                + "same --cluster-secret-file (make one with: openssl rand -hex 32 > cluster.secret)"
        }
        if clientAddress.isWildcard && advertisedClientURL == nil {
            return "--listen \(listen) means every address of this machine, so clients must be told which one to "
                + "use: add --advertise-client http://HOST:\(listen.port)"
        }
        if peerAddress.isWildcard && advertisedPeerAddress == nil && listedSelf == nil {
            return "--peer-listen \(peerListen) means every address of this machine, so the other members must be "
                + "told which one to use: add --advertise-peer HOST:\(peerListen.port)"
        }
        for text in [advertisedClientURL, advertisedPeerAddress] {
            guard let text, text.utf8.count > ModelLimits.memberTextBytesMax else { continue }
            return "an address that others are told has at most \(ModelLimits.memberTextBytesMax) bytes, and "
                + "'\(text.prefix(40))…' is longer"
        }
        if join != nil && cluster != nil {
            return "--join and --cluster exclude each other: --cluster forms a new cluster, --join enters a running one"
        }
        return listObjection()
    }

    private func listObjection() -> String? {
        guard let cluster else { return nil }
        guard let own = listedSelf else {
            let names = cluster.map(\.name).joined(separator: ", ")
            return "--name \(name) is not in --cluster, which lists \(names): start each member with its own name "
                + "from the list"
        }
        if let advertisedPeerAddress, advertisedPeerAddress != own.peerAddress {
            return "--advertise-peer \(advertisedPeerAddress) differs from --cluster, which says "
                + "\(own.name)=\(own.peerAddress): the list is what all members agree on, so leave "
                + "--advertise-peer away or correct the list"
        }
        return nil
    }

    package var listedSelf: ListedMember? { cluster?.first { $0.name == name } }

    private func literal(_ address: Address) -> SocketAddress? {
        SocketAddress.literal(HostAndPort(host: address.host, port: address.port))
    }
}
