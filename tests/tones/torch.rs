//! Checkpoints as `torch.save` writes them, of any values: pickled by hand, so that they may be
//! wrong.

use super::zips::{Stored, zip};

/// A value of Python's.
#[derive(Clone, Debug, PartialEq)]
pub enum Py {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    List(Vec<Py>),
    Tuple(Vec<Py>),
    Dict(Vec<(String, Py)>),
    /// Half precision, of these bits.
    Half(Vec<usize>, Vec<u16>),
    /// Single precision.
    Single(Vec<usize>, Vec<f32>),
    /// Half precision, all of these bits: a view of one element.
    Spread(Vec<usize>, u16),
    /// Whole numbers.
    Long(Vec<usize>, Vec<i64>),
    /// An object of a class, made of these arguments, with this state.
    Object(&'static str, &'static str, Vec<Py>, Box<Py>),
}

impl Py {
    pub fn str(text: &str) -> Self {
        Self::Str(text.to_owned())
    }

    pub fn ints(numbers: &[usize]) -> Self {
        Self::List(numbers.iter().map(|&n| Self::Int(n as i64)).collect())
    }

    /// Half precision, rounded.
    pub fn half(shape: &[usize], values: &[f32]) -> Self {
        let bits = values.iter().map(|&value| half_bits(value)).collect();
        Self::Half(shape.to_vec(), bits)
    }

    pub fn dict<const N: usize>(pairs: [(&str, Self); N]) -> Self {
        Self::Dict(pairs.map(|(key, value)| (key.to_owned(), value)).to_vec())
    }

    /// The pairs of a dictionary.
    pub fn pairs(&mut self) -> &mut Vec<(String, Self)> {
        match self {
            Self::Dict(pairs) => pairs,
            other => panic!("no dictionary: {other:?}"),
        }
    }

    /// The value of a key.
    pub fn at(&mut self, key: &str) -> &mut Self {
        let found = self.pairs().iter_mut().find(|(known, _)| known == key);
        &mut found.unwrap_or_else(|| panic!("no {key}")).1
    }

    /// Sets the value of a key.
    pub fn set(&mut self, key: &str, value: Self) {
        self.remove(key);
        self.pairs().push((key.to_owned(), value));
    }

    pub fn remove(&mut self, key: &str) -> Option<Self> {
        let at = self.pairs().iter().position(|(known, _)| known == key)?;
        Some(self.pairs().remove(at).1)
    }

    /// Items of a list.
    pub fn items(&mut self) -> &mut Vec<Self> {
        match self {
            Self::List(items) | Self::Tuple(items) => items,
            other => panic!("no list: {other:?}"),
        }
    }
}

/// The bits of the nearest number of half precision; infinity beyond the largest.
pub fn half_bits(value: f32) -> u16 {
    let sign = ((value.to_bits() >> 16) & 0x8000) as u16;
    let size = value.abs();
    if size.is_nan() {
        return sign | 0x7e00;
    }
    let exponent = ((size.to_bits() >> 23) & 0xff) as i32 - 127;
    let quantum = 2f32.powi(exponent.max(-14) - 10);
    let steps = (size / quantum).round_ties_even() as u32;
    let bits = match exponent {
        ..-14 => steps,
        _ => steps + ((exponent.max(-14) + 14) as u32) * 0x400,
    };
    sign | bits.min(0x7c00) as u16
}

/// What `torch.save` makes of a value: a zip archive of a pickle and the storages.
pub fn save(value: &Py) -> Vec<u8> {
    let mut pickler = Pickler {
        pickle: b"\x80\x02".to_vec(),
        storages: Vec::new(),
    };
    pickler.value(value);
    pickler.pickle.push(b'.');
    let names: Vec<String> = (0..pickler.storages.len())
        .map(|at| format!("archive/data/{at}"))
        .collect();
    let mut files = vec![
        Stored::new("archive/data.pkl", &pickler.pickle),
        Stored::new("archive/byteorder", b"little"),
    ];
    let storages = names.iter().zip(&pickler.storages);
    files.extend(storages.map(|(name, bytes)| Stored::new(name, bytes)));
    files.push(Stored::new("archive/version", b"3\n"));
    zip(&files)
}

struct Pickler {
    pickle: Vec<u8>,
    storages: Vec<Vec<u8>>,
}

impl Pickler {
    fn value(&mut self, value: &Py) {
        match value {
            Py::None => self.pickle.push(b'N'),
            Py::Bool(truth) => self.pickle.push(0x89 - u8::from(*truth)),
            Py::Int(number) => {
                self.pickle.extend([0x8a, 8]);
                self.pickle.extend(number.to_le_bytes());
            }
            Py::Float(number) => {
                self.pickle.push(b'G');
                self.pickle.extend(number.to_be_bytes());
            }
            Py::Str(text) => {
                self.pickle.push(b'X');
                self.pickle.extend((text.len() as u32).to_le_bytes());
                self.pickle.extend(text.as_bytes());
            }
            Py::List(items) => {
                self.pickle.extend(b"](");
                items.iter().for_each(|item| self.value(item));
                self.pickle.push(b'e');
            }
            Py::Tuple(items) => self.tuple(items),
            Py::Dict(pairs) => {
                self.pickle.extend(b"}(");
                for (key, value) in pairs {
                    self.value(&Py::str(key));
                    self.value(value);
                }
                self.pickle.push(b'u');
            }
            Py::Half(shape, bits) => {
                let bytes = bits.iter().flat_map(|bits| bits.to_le_bytes());
                self.tensor(shape, "HalfStorage", bits.len(), bytes.collect());
            }
            Py::Spread(shape, bits) => {
                let strides = vec![0; shape.len()];
                self.view(shape, &strides, "HalfStorage", 1, bits.to_le_bytes().into());
            }
            Py::Single(shape, numbers) => {
                let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
                self.tensor(shape, "FloatStorage", numbers.len(), bytes.collect());
            }
            Py::Long(shape, numbers) => {
                let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
                self.tensor(shape, "LongStorage", numbers.len(), bytes.collect());
            }
            Py::Object(module, name, arguments, state) => {
                self.global(module, name);
                self.tuple(arguments);
                self.pickle.push(b'R');
                self.value(state);
                self.pickle.push(b'b');
            }
        }
    }

    fn tuple(&mut self, items: &[Py]) {
        self.pickle.push(b'(');
        items.iter().for_each(|item| self.value(item));
        self.pickle.push(b't');
    }

    fn global(&mut self, module: &str, name: &str) {
        self.pickle.push(b'c');
        self.pickle.extend(format!("{module}\n{name}\n").bytes());
    }

    fn tensor(&mut self, shape: &[usize], class: &str, len: usize, bytes: Vec<u8>) {
        let mut strides = vec![1; shape.len()];
        for at in (1..shape.len()).rev() {
            strides[at - 1] = strides[at] * shape[at];
        }
        self.view(shape, &strides, class, len, bytes);
    }

    fn view(
        &mut self,
        shape: &[usize],
        strides: &[usize],
        class: &str,
        len: usize,
        bytes: Vec<u8>,
    ) {
        let number = self.storages.len();
        self.storages.push(bytes);
        self.global("torch._utils", "_rebuild_tensor_v2");
        self.pickle.push(b'(');
        self.pickle.push(b'(');
        self.value(&Py::str("storage"));
        self.global("torch", class);
        self.value(&Py::Str(number.to_string()));
        self.value(&Py::str("cpu"));
        self.value(&Py::Int(len as i64));
        self.pickle.extend(b"tQ");
        self.value(&Py::Int(0));
        for numbers in [shape, strides] {
            let numbers: Vec<Py> = numbers.iter().map(|&n| Py::Int(n as i64)).collect();
            self.tuple(&numbers);
        }
        self.value(&Py::Bool(false));
        self.global("collections", "OrderedDict");
        self.pickle.extend(b")Rt");
        self.pickle.push(b'R');
    }
}
