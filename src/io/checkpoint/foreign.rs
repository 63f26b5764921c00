//! Names the files that people take for checkpoints, for the error message alone. Looks at the
//! first bytes, and at the file names of a zip archive; reads nothing itself.

use std::fmt;

/// A kind of file that holds no weights we can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Foreign {
    /// No bytes at all.
    Empty,
    /// A web page saved in place of the file.
    Html,
    /// What Git LFS leaves where the file was not fetched.
    GitLfs,
    /// A zip archive without its end.
    TruncatedZip,
    /// A zip archive with a password.
    EncryptedZip,
    /// A zip archive with checkpoints in it, not one itself.
    ZipOfCheckpoints,
    /// A zip archive of numpy arrays.
    Npz,
    /// Any other zip archive.
    Zip,
    /// A TorchScript program.
    TorchScript,
    /// A tar archive, as torch wrote before 0.1.10, or any other.
    Tar,
    /// Gzip.
    Gzip,
    /// xz, bzip2, Zstandard, 7z or RAR.
    Packed,
    /// An ONNX graph.
    Onnx,
    /// A TensorFlow or Keras model.
    TensorFlow,
    /// A GGUF or GGML model.
    Gguf,
    /// A numpy array.
    Npy,
    /// A faiss index.
    Faiss,
    /// Sound.
    Audio,
    /// A checkpoint whose numbers have their first byte last.
    BigEndian,
    /// Text.
    Text,
    /// None of these.
    Unknown,
}

impl Foreign {
    /// What a file with this beginning seems to be, for readers of other formats; half a kilobyte
    /// is enough. Archives in zip format are all [`Self::Zip`].
    #[must_use]
    pub fn of(head: &[u8]) -> Self {
        match head.starts_with(super::zip::SIGNATURE) {
            true => Self::Zip,
            false => describe(head),
        }
    }

    /// What it is, with its article.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "an empty file",
            Self::Html => "a web page",
            Self::GitLfs => "a Git LFS pointer, not the file it points to",
            Self::TruncatedZip => "the beginning of a zip archive without its end",
            Self::EncryptedZip => "an encrypted zip archive",
            Self::ZipOfCheckpoints => "a zip archive with checkpoints in it",
            Self::Npz => "a zip archive of numpy arrays",
            Self::Zip => "a zip archive without a checkpoint",
            Self::TorchScript => "a TorchScript program",
            Self::Tar => "a tar archive",
            Self::Gzip => "a gzip archive",
            Self::Packed => "a compressed archive",
            Self::Onnx => "an ONNX graph",
            Self::TensorFlow => "a TensorFlow or Keras model",
            Self::Gguf => "a GGUF model",
            Self::Npy => "a numpy array",
            Self::Faiss => "a faiss index",
            Self::Audio => "an audio file",
            Self::BigEndian => "a checkpoint from a big-endian machine",
            Self::Text => "text",
            Self::Unknown => "unknown binary data",
        }
    }

    /// What the user can do.
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::Empty | Self::TruncatedZip => {
                "the download was cut short: fetch the file again and compare its size"
            }
            Self::Html => {
                "the site answered with a page (a login, a licence, an error): open the link in a \
                 browser and save the file behind its download button"
            }
            Self::GitLfs => "run `git lfs pull`, or download the file from the repository's page",
            Self::EncryptedZip => "unpack it with its password and use the checkpoint inside",
            Self::ZipOfCheckpoints | Self::Tar | Self::Gzip | Self::Packed => {
                "unpack it and use the checkpoint inside"
            }
            Self::TorchScript => {
                "a program is never run here: export its state dict with torch.save instead"
            }
            Self::Onnx | Self::TensorFlow | Self::Gguf => {
                "use the PyTorch or safetensors version of this model"
            }
            Self::Faiss => "this belongs beside a voice: choose the .pth of the same name",
            Self::BigEndian => "save it again on a little-endian machine",
            Self::Zip | Self::Npz | Self::Npy | Self::Audio | Self::Text | Self::Unknown => {
                "choose the .pth, .pt, .ckpt or .safetensors file of the model"
            }
        }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// First bytes, at which offset, and what they mean.
const MARKS: &[(usize, &[u8], Foreign)] = &[
    (0, b"version https://git-lfs", Foreign::GitLfs),
    (257, b"ustar", Foreign::Tar),
    (0, b"\x1f\x8b", Foreign::Gzip),
    (0, b"\xfd7zXZ\0", Foreign::Packed),
    (0, b"BZh", Foreign::Packed),
    (0, b"\x28\xb5\x2f\xfd", Foreign::Packed),
    (0, b"7z\xbc\xaf\x27\x1c", Foreign::Packed),
    (0, b"Rar!", Foreign::Packed),
    (0, b"\x89HDF\r\n\x1a\n", Foreign::TensorFlow),
    (4, b"TFL3", Foreign::TensorFlow),
    (0, b"GGUF", Foreign::Gguf),
    (0, b"\x93NUMPY", Foreign::Npy),
    (0, b"IwFl", Foreign::Faiss),
    (0, b"IxF2", Foreign::Faiss),
    (0, b"RIFF", Foreign::Audio),
    (0, b"fLaC", Foreign::Audio),
    (0, b"OggS", Foreign::Audio),
    (0, b"ID3", Foreign::Audio),
];

/// How many first bytes [`describe`] looks at.
pub(super) const HEAD_BYTES: usize = 512;

/// What a file with this beginning is, knowing that it is no checkpoint.
pub(super) fn describe(head: &[u8]) -> Foreign {
    if head.is_empty() {
        return Foreign::Empty;
    }
    let mark = MARKS
        .iter()
        .find(|(at, mark, _)| head.get(*at..*at + mark.len()) == Some(*mark));
    if let Some((_, _, meaning)) = mark {
        return *meaning;
    }
    if is_html(head) {
        return Foreign::Html;
    }
    if is_onnx(head) {
        return Foreign::Onnx;
    }
    let printable = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..);
    // A character may be cut at the end of the head.
    let text = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    match text && head.iter().all(printable) {
        true => Foreign::Text,
        false => Foreign::Unknown,
    }
}

fn is_html(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = String::from_utf8_lossy(head).trim_start().to_lowercase();
    ["<!doctype html", "<html", "<head", "<!--", "<?xml", "<body"]
        .iter()
        .any(|start| text.starts_with(start))
}

/// A protocol buffer whose first field is the `ir_version` of an ONNX model and whose second is
/// another field of one (onnx.proto: 2 to 8 are strings and messages, 5 and 14 numbers).
fn is_onnx(head: &[u8]) -> bool {
    matches!(
        head,
        [
            0x08,
            1..=30,
            0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42,
            ..
        ]
    )
}

/// What a zip archive with these files is, knowing that it is no checkpoint.
pub(super) fn describe_zip<'a>(names: impl Iterator<Item = &'a str>) -> Foreign {
    let mut found = Foreign::Zip;
    for name in names {
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        match extension {
            Some("pth" | "pt" | "ckpt" | "safetensors") => return Foreign::ZipOfCheckpoints,
            Some("npy") => found = Foreign::Npz,
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_their_first_bytes() {
        let mut tar = vec![b'x'; 300];
        tar[257..262].copy_from_slice(b"ustar");
        for (head, expected) in [
            (&b""[..], Foreign::Empty),
            (b"\n <!DOCTYPE HTML>\n<html>", Foreign::Html),
            (b"\xef\xbb\xbf<html lang=en>", Foreign::Html),
            (
                b"version https://git-lfs.github.com/spec/v1\n",
                Foreign::GitLfs,
            ),
            (&tar, Foreign::Tar),
            (b"\x1f\x8b\x08\0", Foreign::Gzip),
            (b"\x08\x07\x12\x07pytorch", Foreign::Onnx),
            (b"\x08\x0a\x3a\x80\x01", Foreign::Onnx),
            (b"\x89HDF\r\n\x1a\n", Foreign::TensorFlow),
            (b"IwFl\0", Foreign::Faiss),
            (b"RIFF\0\0\0\0WAVE", Foreign::Audio),
            (b"{\"error\": \"not found\"}", Foreign::Text),
            ("caf\u{e9}".as_bytes().split_at(4).0, Foreign::Text),
            (b"\0\x01\x02\x03", Foreign::Unknown),
        ] {
            assert_eq!(describe(head), expected, "{head:?}");
        }
    }

    #[test]
    fn archives_are_named_by_their_files() {
        for (names, expected) in [
            (
                &["notes.txt", "voice/voice.pth"][..],
                Foreign::ZipOfCheckpoints,
            ),
            (&["a.npy", "b.npy"], Foreign::Npz),
            (&["word/document.xml"], Foreign::Zip),
            (&[], Foreign::Zip),
        ] {
            assert_eq!(describe_zip(names.iter().copied()), expected, "{names:?}");
        }
    }
}
