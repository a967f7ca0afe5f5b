public import Contract
public import Postgres

extension PostgresError: PassingError {
    public var isPassing: Bool { isConnectionFailure || isRetryable || code == .timeout || code == .queryCanceled }
}

extension StoreError: PassingError {
    public var isPassing: Bool { self == .outcomeUnknown || self == .noStandby }
}
