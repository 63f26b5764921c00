//! Pictures of voices: told by their first bytes, whatever they are called, bounded, and kept as
//! they are. Nothing is decoded here.

use super::VoiceError;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The largest picture that is kept.
pub(super) const MOST_BYTES: u64 = 8 << 20;

/// A kind of picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Image {
    Png,
    Jpeg,
    Webp,
}

impl Image {
    pub(super) const ALL: [Self; 3] = [Self::Png, Self::Jpeg, Self::Webp];

    /// The file it is kept as.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Png => "image.png",
            Self::Jpeg => "image.jpg",
            Self::Webp => "image.webp",
        }
    }

    /// What a file with these first bytes is.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::Webp),
            _ => None,
        }
    }
}

/// Reads a picture.
///
/// # Errors
/// [`VoiceError::Read`], [`VoiceError::LargeImage`], [`VoiceError::NoImage`].
pub(super) fn read(path: &Path) -> Result<(Image, Vec<u8>), VoiceError> {
    let file = File::open(path).map_err(VoiceError::Read)?;
    let metadata = file.metadata().map_err(VoiceError::Read)?;
    if !metadata.is_file() {
        let found = "something else than a file".to_owned();
        return Err(VoiceError::NoImage { found });
    }
    let mut bytes = Vec::new();
    let mut bounded = file.take(MOST_BYTES + 1);
    bounded.read_to_end(&mut bytes).map_err(VoiceError::Read)?;
    check(bytes)
}

/// Tells what a picture is.
pub(super) fn check(bytes: Vec<u8>) -> Result<(Image, Vec<u8>), VoiceError> {
    if MOST_BYTES < bytes.len() as u64 {
        return Err(VoiceError::LargeImage {
            most: MOST_BYTES,
            found: bytes.len() as u64,
        });
    }
    match Image::of(&bytes) {
        Some(image) => Ok((image, bytes)),
        None => Err(VoiceError::NoImage {
            found: match bytes.is_empty() {
                true => "an empty file".to_owned(),
                false => "another kind of file".to_owned(),
            },
        }),
    }
}
