//! Guesses from its first bytes what a file is that no reader wants, for the error message alone.

use std::io::Read as _;
use std::path::Path;

/// First bytes, at which offset, and what they mean.
const MARKS: &[(usize, &[u8], &str)] = &[
    (4, b"ftyp", "an MP4/M4A file"),
    (0, b"FORM", "an AIFF file"),
    (0, b"caff", "a CAF file"),
    (0, b"RF64", "a WAV file in the RF64 form"),
    (0, b"BW64", "a WAV file in the BW64 form"),
    (0, b"riff", "a Wave64 file"),
    (0, b"RIFX", "a big-endian WAV file"),
    (8, b"AVI ", "an AVI video"),
    (0, b"RIFF", "a RIFF file without readable audio"),
    (0, b"\x1a\x45\xdf\xa3", "a Matroska or WebM file"),
    (0, b"wvpk", "a WavPack file"),
    (0, b"MAC ", "a Monkey's Audio file"),
    (0, b"ADIF", "an AAC file"),
    (0, b"OggS", "an Ogg file without readable audio"),
    (0, b"fLaC", "a damaged FLAC file"),
    (0, b"ID3", "an ID3 tag without readable MP3 audio"),
    (0, b"\x89PNG", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
];

/// What the file seems to be.
pub(super) fn describe(path: &Path) -> &'static str {
    let mut head = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(512).read_to_end(&mut head));
    match read {
        Ok(_) => describe_bytes(&head),
        Err(_) => "data that could not be read",
    }
}

fn describe_bytes(head: &[u8]) -> &'static str {
    let mark = MARKS
        .iter()
        .find(|(at, mark, _)| head.get(*at..*at + mark.len()) == Some(*mark));
    if let Some((_, _, meaning)) = mark {
        return meaning;
    }
    let printable = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..);
    match std::str::from_utf8(head) {
        Ok(_) if head.iter().all(printable) => "text",
        _ => "unknown binary data",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_their_first_bytes() {
        for (head, expected) in [
            (&b"\0\0\0\x20ftypM4A "[..], "an MP4/M4A file"),
            (b"FORM\0\0\0\0AIFF", "an AIFF file"),
            (b"RIFF\0\0\0\0AVI ", "an AVI video"),
            (b"hello, world\n", "text"),
            (b"\0\x01\x02\x03", "unknown binary data"),
            (b"", "text"),
        ] {
            assert_eq!(describe_bytes(head), expected);
        }
    }
}
