// What the country dates by, as this module exports it. The server answers this path from the nation's rules; the
// file is what it says of Iran, and what tests run with.
export const country = { code: 'IR', language: 'fa', calendar: 'persian', timeZone: 'Asia/Tehran' };
