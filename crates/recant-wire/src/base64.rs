//! Base64 (RFC 4648 section 4), for the few blobs of the API (function code, test events).

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Spells bytes with padding and without line breaks.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let sextet = (group >> (18 - 6 * digit)) & 63;
            text.push(if digit <= chunk.len() { char::from(ALPHABET[sextet as usize]) } else { '=' });
        }
    }
    text
}

/// Reads the bytes of a base64 text with padding. White space is skipped, since XML may be folded; anything
/// else that the alphabet does not hold gives `None`.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if !digits.len().is_multiple_of(4) {
        return None;
    }
    let padding = digits.iter().rev().take_while(|digit| **digit == b'=').count();
    if padding > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3);
    for quad in digits[..digits.len() - padding].chunks(4) {
        let mut group = 0_u32;
        for digit in quad {
            group = group << 6 | sextet(*digit)?;
        }
        group <<= 6 * (4 - quad.len());
        bytes.extend(&group.to_be_bytes()[1..quad.len()]);
    }
    Some(bytes)
}

/// Reads as Python's decoder does: what the alphabet does not hold is skipped, and a padding that completes a group of four ends the text.
pub fn decode_leniently(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut group, mut digits, mut pads) = (0_u32, 0, 0);
    for byte in text.bytes() {
        if byte == b'=' {
            pads += 1;
            if digits >= 2 && digits + pads >= 4 {
                bytes.extend(&(group << (6 * (4 - digits))).to_be_bytes()[1..digits]);
                return Some(bytes);
            }
        } else if let Some(sextet) = sextet(byte) {
            pads = 0;
            group = group << 6 | sextet;
            digits += 1;
            if digits == 4 {
                bytes.extend(&group.to_be_bytes()[1..]);
                (group, digits) = (0, 0);
            }
        }
    }
    (digits == 0).then_some(bytes)
}

fn sextet(digit: u8) -> Option<u32> {
    Some(u32::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!(decode("Zm9v\n YmE=").as_deref(), Some(&b"fooba"[..]));
        for bad in ["Z", "Zg=", "Zg==Zg==", "Z===", "====", "Zm-v", "é"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn as_lenient_as_python() {
        let check = |text: &str, want: Option<&[u8]>| {
            assert_eq!(decode_leniently(text).as_deref(), want, "{text}");
        };
        check("aGk=", Some(b"hi"));
        check("a!G\u{e9}k=", Some(b"hi"));
        check("aGk=aGk=", Some(b"hi"));
        check("a=Gk=", Some(b"hi"));
        check("====", Some(b""));
        check("", Some(b""));
        check("aGk", None);
        check("a===", None);
    }
}
