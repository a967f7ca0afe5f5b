extension Command {
    /// The same wish with the citizen's mobile number and national ID in their one form, however they were typed.
    /// An edit that clears one of them still clears it. An import keeps what it cannot read: a case of an older system
    /// is not lost over a number.
    func withNumbersRead() throws(Refusal) -> Command {
        switch self {
        case .register(var intake):
            intake.texts = try intake.texts.withNumbersRead()
            return .register(intake)
        case .amend(var edit):
            edit.texts = try edit.texts.withNumbersRead()
            return .amend(edit)
        case .importCase(var imported):
            var texts = imported.intake.texts
            texts.citizenMobile = texts.citizenMobile.map { MobileNumber(parsing: $0)?.national ?? $0 }
            texts.citizenNationalID = texts.citizenNationalID.map { NationalID(parsing: $0)?.digits ?? $0 }
            imported.intake.texts = texts
            return .importCase(imported)
        default: return self
        }
    }
}

extension Texts {
    fileprivate func withNumbersRead() throws(Refusal) -> Texts {
        var texts = self
        if let typed = citizenMobile, !typed.isEmpty {
            guard let number = MobileNumber(parsing: typed) else {
                throw .invalid(field: Field.citizenMobile.rawValue, .notAMobileNumber)
            }
            texts.citizenMobile = number.national
        }
        if let typed = citizenNationalID, !typed.isEmpty {
            guard let number = NationalID(parsing: typed) else {
                throw .invalid(field: Field.citizenNationalID.rawValue, .notANationalID)
            }
            texts.citizenNationalID = number.digits
        }
        return texts
    }
}
