/// What is wrong with one field of a request. The raw values are stable codes; their words, in which `{limit}` stands
/// for the bound, are in the vocabulary.
public enum FaultCode: String, Sendable, Hashable, CaseIterable {
    // Bounds of what people write.
    case missing, empty
    /// Limit: characters.
    case tooLong = "too_long"
    /// Limit: entries.
    case tooMany = "too_many"
    /// Limit: the least number that is allowed.
    case tooSmall = "too_small"
    /// Limit: the greatest number that is allowed.
    case tooGreat = "too_great"
    /// Limit: bytes of a file.
    case fileTooLarge = "file_too_large"
    case emptyFile = "empty_file"
    case controlCharacter = "control_character"

    // Forms.
    case notText = "not_text"
    case notBoolean = "not_boolean"
    case notNumber = "not_number"
    case notWholeNumber = "not_whole_number"
    case notList = "not_list"
    case notObject = "not_object"
    case notOneOf = "not_one_of"
    case unknownMember = "unknown_member"
    case notATime = "not_a_time"
    case notACase = "not_a_case"
    case notAHash = "not_a_hash"
    case notAnOrganization = "not_an_organization"
    case notAPeriod = "not_a_period"
    case notACursor = "not_a_cursor"
    case notAFileName = "not_a_file_name"
    case notAMediaType = "not_a_media_type"
    case notAnIncarnation = "not_an_incarnation"
    case notAMobileNumber = "not_a_mobile_number"
    case notANationalID = "not_a_national_id"
    case notFourDigits = "not_four_digits"
    case notOneProof = "not_one_proof"

    // What the network does not know.
    case unknownOrganization = "unknown_organization"
    case unknownCategory = "unknown_category"
    case unknownEvent = "unknown_event"

    // What does not fit the case.
    case noCodeDrawn = "no_code_drawn"
    case inTheFuture = "in_the_future"
    case stepNotAllowed = "step_not_allowed"
    case notSeatedHere = "not_seated_here"
    case onlyTheCitizen = "only_the_citizen"
    case theSameCase = "the_same_case"
    case nothingToAmend = "nothing_to_amend"
    case neverHidden = "never_hidden"
    case textNotHere = "text_not_here"

    // A tracking code.
    case codeWithoutDigits = "code_without_digits"
    case codeOtherCharacters = "code_other_characters"
    /// Limit: the digits that it should have.
    case codeLength = "code_length"
    case codeCheckDigit = "code_check_digit"
    case codeProvince = "code_province"
}
