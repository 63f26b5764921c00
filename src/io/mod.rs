//! Audio files: WAV, FLAC, MP3 and OGG in; WAV and FLAC out.
