import Casework

/// The words that citizens read. A term that this version does not know is shown as it came.
enum PersianTerms {
    static func status(_ text: String) -> String {
        switch Status(rawValue: text) {
        case .draft: "در حال ثبت"
        case .registered: "ثبت شد"
        case .referred: "ارجاع شد"
        case .inProgress: "در دست اقدام"
        case .answered: "پاسخ داده شد"
        case .closed: "پایان یافت"
        case .disputed: "در دست بازبینی"
        case nil: text
        }
    }

    static func outcome(_ text: String) -> String {
        switch Outcome(rawValue: text) {
        case .advised: "راهنمایی شد"
        case .resolved: "انجام شد"
        case .unlawful: "خلاف مقررات"
        case .beyondMeans: "بیرون از توان دستگاه"
        case .duplicate: "تکراری"
        case .withdrawn: "پس گرفته شد"
        case .unconfirmed: "تأیید نشد"
        case nil: text
        }
    }

    static func stage(_ type: String) -> String {
        switch type {
        case "opened": "کد رهگیری داده شد"
        case "registered": "ثبت شد"
        case "assessed": "بررسی شد"
        case "referred": "ارجاع شد"
        case "received", "granted": "به دستگاه رسید"
        case "accepted": "پذیرفته شد"
        case "refused": "بازگردانده شد"
        case "acted": "اقدام شد"
        case "answered": "پاسخ داده شد"
        case "closed": "پایان یافت"
        case "disputed": "اعتراض شما ثبت شد"
        case "reviewed": "اعتراض بازبینی شد"
        case "rated": "امتیاز شما ثبت شد"
        case "withdrawn": "پس گرفته شد"
        case "due.moved": "مهلت تغییر کرد"
        case "escalated": "به مقام بالاتر گزارش شد"
        default: type
        }
    }

    static func sentence(for problem: Problem) -> String {
        switch problem.name {
        case "bad-code": "این کد درست نیست. سیزده رقم آن را دوباره ببینید."
        case "unknown-code": "پرونده‌ای با این کد پیدا نشد. رقم‌ها را دوباره ببینید."
        case "rate-limited": "درخواست‌ها بیش از اندازه بود. یک دقیقه دیگر دوباره بکوشید."
        case "invalid": "چهار رقم پایانی تلفن همراه را درست بنویسید."
        default: "پاسخ دادن اکنون ممکن نیست. اندکی دیگر دوباره بکوشید."
        }
    }
}
