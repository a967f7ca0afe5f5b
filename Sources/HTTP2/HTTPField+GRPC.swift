public import HTTPTypes

extension HTTPField.Name {
    /// gRPC's outcome of a call, a number, in its trailers.
    public static let grpcStatus = HTTPField.Name("grpc-status")!
    /// What a person may read about it.
    public static let grpcMessage = HTTPField.Name("grpc-message")!
}
