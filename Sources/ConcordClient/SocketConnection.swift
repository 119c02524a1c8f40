#if SocketTransport
    import ConcordBytes
    import ConcordHTTP
    import ConcordLinux

    /// One connection of a socket transport. It carries one exchange at a time.
    final class SocketConnection {
        let token: UInt64
        let endpoint: ConcordEndpoint
        let socket: StreamSocket
        /// Where else to try when this address does not answer.
        let otherAddresses: ArraySlice<SocketAddress>
        var isConnecting = true
        var interest: Interest = .writable
        var exchange: SocketExchange?
        private var output = ByteQueue()
        private var input = ByteQueue()
        private var parser = HTTPResponseParser(limits: HTTPLimits(bodyBytesMax: ClientLimits.replyBytesMax))

        init(
            token: UInt64, endpoint: ConcordEndpoint, socket: consuming StreamSocket,
            otherAddresses: ArraySlice<SocketAddress>, exchange: SocketExchange
        ) {
            self.token = token
            self.endpoint = endpoint
            self.socket = socket
            self.otherAddresses = otherAddresses
            self.exchange = exchange
        }

        enum Progress {
            /// Wait for the socket, to send or to receive more.
            case waits(Interest)
            case reply(TransportReply, keepsAlive: Bool)
            /// The connection is of no more use.
            case broken(String)
        }

        /// Begins to send the exchange's request.
        func startSending(_ exchange: SocketExchange) -> Progress {
            self.exchange = exchange
            output.append(exchange.bytes)
            return proceed()
        }

        /// Goes on sending what is left.
        func proceed() -> Progress {
            while !output.isEmpty {
                switch socket.send(from: &output) {
                case .moved: continue
                case .blocked: return .waits([.readable, .writable])
                case .ended: return .broken("the connection was closed")
                case .failed(let code): return .broken("\(SystemError(code: code, operation: "send"))")
                }
            }
            return .waits(.readable)
        }

        /// Takes what has arrived.
        func receive(_ scratch: borrowing ScratchBuffer) -> Progress {
            switch socket.receive(into: &input, scratch: scratch) {
            case .moved: return progress(parser.parse(&input, answersHead: exchange?.answersHead ?? false))
            case .blocked: return proceed()
            case .ended: return progress(parser.endOfInput(), atEnd: true)
            case .failed(let code): return .broken("\(SystemError(code: code, operation: "receive"))")
            }
        }

        private func progress(_ progress: HTTPResponseProgress, atEnd: Bool = false) -> Progress {
            switch progress {
            case .needMore:
                return atEnd ? .broken("the connection was closed before a reply came") : proceed()
            case .failed(let failure):
                return .broken("the reply is no HTTP: \(failure.detail)")
            case .response(let response):
                // Bytes behind the reply answer a request that was never sent; such a connection is not used again.
                let keepsAlive = response.keepAlive && !atEnd && input.isEmpty && output.isEmpty
                return .reply(TransportReply(response), keepsAlive: keepsAlive)
            }
        }
    }

    extension TransportReply {
        init(_ response: HTTPResponse) {
            var headers: [(name: String, value: String)] = []
            headers.reserveCapacity(response.headers.count)
            for index in 0..<response.headers.count {
                let (name, value) = response.headers[index]
                headers.append((String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
            }
            self.init(status: response.status, headers: headers, body: response.body)
        }
    }
#endif
