import CNGHTTP2

extension HTTP2Error {
    /// The one check of nghttp2 calls: negative results are errors.
    @discardableResult
    static func check<Result: SignedInteger>(
        nghttp2 result: Result, _ message: String, file: String = #fileID, line: Int = #line
    ) throws(HTTP2Error) -> Result {
        guard result < 0 else { return result }
        throw HTTP2Error(nghttp2: Int32(result), message, file: file, line: line)
    }

    init(nghttp2 result: Int32, _ message: String, file: String = #fileID, line: Int = #line) {
        let text = String(cString: nghttp2_strerror(result))
        self.init(
            Self.code(ofNGHTTP2: nghttp2_error(rawValue: result)), message,
            underlying: [Underlying(source: .nghttp2, code: Int(result), text: text)], file: file, line: line)
    }

    /// The error of a stream or connection that ended with a code of RFC 9113 §7.
    static func reset(_ errorCode: UInt32, file: String = #fileID, line: Int = #line) -> HTTP2Error {
        let text = String(cString: nghttp2_http2_strerror(errorCode))
        return HTTP2Error(
            .streamReset, "the stream was reset",
            underlying: [Underlying(source: .frame, code: Int(errorCode), text: text)], file: file, line: line)
    }

    private static func code(ofNGHTTP2 error: nghttp2_error) -> Code {
        switch error {
        case NGHTTP2_ERR_FLOODED, NGHTTP2_ERR_TOO_MANY_SETTINGS, NGHTTP2_ERR_TOO_MANY_CONTINUATIONS,
            NGHTTP2_ERR_TOO_MANY_INFLIGHT_SETTINGS:
            .flood
        case NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE:
            .streamsExhausted
        case NGHTTP2_ERR_SESSION_CLOSING, NGHTTP2_ERR_START_STREAM_NOT_ALLOWED:
            .goingAway
        case NGHTTP2_ERR_BAD_CLIENT_MAGIC, NGHTTP2_ERR_PROTO, NGHTTP2_ERR_INVALID_FRAME, NGHTTP2_ERR_FRAME_SIZE_ERROR,
            NGHTTP2_ERR_HEADER_COMP, NGHTTP2_ERR_FLOW_CONTROL, NGHTTP2_ERR_SETTINGS_EXPECTED,
            NGHTTP2_ERR_HTTP_HEADER, NGHTTP2_ERR_HTTP_MESSAGING:
            .protocolViolation
        case NGHTTP2_ERR_STREAM_CLOSED, NGHTTP2_ERR_STREAM_CLOSING, NGHTTP2_ERR_STREAM_SHUT_WR,
            NGHTTP2_ERR_INVALID_STREAM_ID, NGHTTP2_ERR_INVALID_STREAM_STATE:
            .streamReset
        case NGHTTP2_ERR_INVALID_ARGUMENT, NGHTTP2_ERR_INVALID_STATE, NGHTTP2_ERR_DATA_EXIST:
            .misuse
        default:
            .library
        }
    }
}
