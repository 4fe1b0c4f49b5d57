use super::verdict::Refused;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;

/// Of at most so many bytes; nothing behind it, and nothing unknown or twice where the type forbids it.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8], most: usize) -> Result<T, Refused> {
    if bytes.len() > most {
        return Err(Refused::TooLarge);
    }
    serde_json::from_slice(bytes).map_err(|_| Refused::Malformed)
}

pub(super) fn base64(text: &str, most: usize) -> Result<Vec<u8>, Refused> {
    if text.len() > most {
        return Err(Refused::TooLarge);
    }
    STANDARD.decode(text).map_err(|_| Refused::Malformed)
}
