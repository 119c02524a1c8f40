#if URLSessionTransport || !SocketTransport
    import Foundation

    #if canImport(FoundationNetworking)
        import FoundationNetworking
    #endif

    /// Carries requests over `URLSession`: works wherever Foundation does, and speaks `https` too.
    public final class URLSessionTransport: ConcordTransport {
        private let session: URLSession

        /// A transport of its own session, which caches nothing and keeps no cookies.
        /// - Parameter connectionsPerEndpoint: more requests to one member wait for a free connection.
        public init(connectionsPerEndpoint: Int = 64) {
            let configuration = URLSessionConfiguration.ephemeral
            configuration.httpMaximumConnectionsPerHost = connectionsPerEndpoint
            configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
            configuration.httpShouldSetCookies = false
            configuration.urlCache = nil
            self.session = URLSession(configuration: configuration)
        }

        /// Ends the session; requests under way fail.
        public func close() {
            session.invalidateAndCancel()
        }

        /// Sends one request, at most once as far as this library decides.
        public func send(
            _ request: TransportRequest, to endpoint: ConcordEndpoint, timeout: Duration
        ) async throws(TransportFailure) -> TransportReply {
            guard let url = URL(string: "\(endpoint)\(request.target)") else {
                throw .notSent("\(endpoint)\(request.target) is no URL")
            }
            var urlRequest = URLRequest(url: url)
            urlRequest.httpMethod = request.method
            for (name, value) in request.headers {
                urlRequest.setValue(value, forHTTPHeaderField: name)
            }
            if let body = request.body {
                urlRequest.httpBody = Data(body)
                if urlRequest.value(forHTTPHeaderField: "Content-Type") == nil {
                    urlRequest.setValue("application/octet-stream", forHTTPHeaderField: "Content-Type")
                }
            }
            return try await race(urlRequest, timeout).get()
        }

        /// The session's own timeout counts from the last byte, and on Linux not at all while nothing comes; so the
        /// whole exchange runs against a clock.
        private func race(_ request: URLRequest, _ timeout: Duration) async -> Result<TransportReply, TransportFailure>
        {
            await withTaskGroup(of: Result<TransportReply, TransportFailure>?.self) { group in
                group.addTask {
                    do throws(TransportFailure) {
                        return .success(try await self.exchange(request))
                    } catch {
                        return .failure(error)
                    }
                }
                group.addTask {
                    do {
                        try await Task.sleep(for: timeout, clock: .continuous)
                        return .failure(.timedOut)
                    } catch {
                        return nil
                    }
                }
                for await result in group {
                    guard let result else { continue }
                    group.cancelAll()
                    return result
                }
                return .failure(.cancelled)
            }
        }

        private func exchange(_ request: URLRequest) async throws(TransportFailure) -> TransportReply {
            do {
                let (data, response) = try await session.data(for: request)
                guard let response = response as? HTTPURLResponse else {
                    throw TransportFailure.interrupted("the reply is no HTTP")
                }
                var headers: [(name: String, value: String)] = []
                for (name, value) in response.allHeaderFields {
                    headers.append((name: "\(name)", value: "\(value)"))
                }
                return TransportReply(status: response.statusCode, headers: headers, body: [UInt8](data))
            } catch {
                throw URLSessionTransport.failure(error)
            }
        }

        private static func failure(_ error: any Error) -> TransportFailure {
            if let failure = error as? TransportFailure { return failure }
            if error is CancellationError { return .cancelled }
            guard let error = error as? URLError else { return .interrupted("\(error)") }
            switch error.code {
            case .timedOut: return .timedOut
            case .cancelled: return .cancelled
            case .cannotConnectToHost, .cannotFindHost, .dnsLookupFailed, .unsupportedURL:
                return .notSent(error.localizedDescription)
            default: return .interrupted(error.localizedDescription)
            }
        }
    }
#endif
