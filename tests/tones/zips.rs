//! Zip archives of stored files, as a test wants them: written by hand, so that they may be wrong.

/// One file of an archive. `claimed` replaces the length in its directory entry.
pub struct Stored<'a> {
    pub name: &'a str,
    pub bytes: &'a [u8],
    pub flags: u16,
    pub method: u16,
    pub claimed: Option<u32>,
}

impl<'a> Stored<'a> {
    pub fn new(name: &'a str, bytes: &'a [u8]) -> Self {
        Self {
            name,
            bytes,
            flags: 0,
            method: 0,
            claimed: None,
        }
    }
}

/// The archive. CRCs are left at 0, which stands for none.
pub fn zip(files: &[Stored<'_>]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for file in files {
        let at = archive.len() as u32;
        let bytes = file.bytes.len() as u32;
        let claimed = file.claimed.unwrap_or(bytes);
        // Version, flags, method, time, date, CRC, sizes, length of the name, of the extra field.
        let mut common = Vec::new();
        for half in [20, file.flags, file.method, 0, 0, 0, 0] {
            common.extend(u16::to_le_bytes(half));
        }
        common.extend(bytes.to_le_bytes());
        common.extend(claimed.to_le_bytes());
        common.extend((file.name.len() as u16).to_le_bytes());
        common.extend([0; 2]);
        archive.extend(b"PK\x03\x04");
        archive.extend(&common);
        archive.extend(file.name.as_bytes());
        archive.extend(file.bytes);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(file.name.as_bytes());
    }
    let at = archive.len() as u32;
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    for _ in 0..2 {
        archive.extend((files.len() as u16).to_le_bytes());
    }
    archive.extend((directory.len() as u32).to_le_bytes());
    archive.extend(at.to_le_bytes());
    archive.extend([0; 2]);
    archive
}

/// An archive as `torch.save` writes it, around this pickle.
pub fn torch_zip(pickle: &[u8]) -> Vec<u8> {
    zip(&[
        Stored::new("any/data.pkl", pickle),
        Stored::new("any/byteorder", b"little"),
    ])
}
