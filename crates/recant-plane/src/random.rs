//! Randomness: the only place that asks the operating system for it.

/// Fresh random bytes.
///
/// # Panics
/// When the operating system has no randomness to give: nothing secret or unique could be made from then on.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A text of `N` characters drawn evenly from an alphabet of at most 256 ASCII characters.
pub fn text<const N: usize>(alphabet: &[u8]) -> String {
    // Bytes at or above the largest multiple of the alphabet's length would favour its first characters.
    let even = 256 - 256 % alphabet.len();
    let mut text = String::with_capacity(N);
    while text.len() < N {
        let drawn = bytes::<64>();
        let usable = drawn.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < even);
        text.extend(usable.take(N - text.len()).map(|byte| char::from(alphabet[byte % alphabet.len()])));
    }
    text
}

/// A random UUID (RFC 9562 section 5.4).
pub fn uuid() -> String {
    let mut bytes = bytes::<16>();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_use_the_whole_alphabet() {
        let text = text::<2000>(b"abc");
        assert_eq!(text.len(), 2000);
        assert!(b"abc".iter().all(|letter| text.as_bytes().contains(letter)), "{text}");
        assert!(text.bytes().all(|letter| b"abc".contains(&letter)));
    }
}
