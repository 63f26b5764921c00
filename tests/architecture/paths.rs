//! The paths a Rust source names, resolved as far as `use` declarations tell. Knows just enough
//! of the language for tests/architecture.rs: no macros are expanded, nothing is type-checked.

use std::collections::BTreeMap;

/// Every path in `source`, the file of module `module`, outside comments, literals and
/// `#[cfg(test)]`. Paths in this crate start with `crate::`; `x::*` stands for a glob.
pub fn paths(module: &[&str], source: &str) -> Vec<String> {
    let tokens = without_tests(tokens(source));
    let mut found = Vec::new();
    let mut aliases = BTreeMap::new();
    let mut at = 0;
    while at < tokens.len() {
        let is_use = tokens[at] == "use";
        if is_use {
            at += 1;
        }
        let starts = is_word(&tokens[at..]) || (is_use && starts_group(&tokens[at..]));
        // `a.b::c` names a method or field, not a module.
        if starts && (at == 0 || tokens[at - 1] != ".") {
            let begun = found.len();
            at = tree(&tokens, at, "", &mut found);
            if is_use {
                for path in &mut found[begun..] {
                    *path = declare(&absolute(module, path), &mut aliases);
                }
            }
        } else {
            at += 1;
        }
    }
    for path in &mut found {
        *path = absolute(module, path);
        let first = path.split("::").next().unwrap_or_default().to_owned();
        if let Some(full) = aliases.get(&first) {
            *path = format!("{full}{}", &path[first.len()..]);
        }
    }
    found
}

/// The words of the code, without comments, literals and `#[cfg(test)]`.
pub fn words(source: &str) -> impl Iterator<Item = String> {
    let tokens = without_tests(tokens(source));
    tokens.into_iter().filter(|token| is_name(token))
}

/// Takes the path or tree of paths at `at`; returns where it ends.
fn tree(tokens: &[String], mut at: usize, prefix: &str, found: &mut Vec<String>) -> usize {
    let mut path = prefix.to_owned();
    while let Some(token) = tokens.get(at) {
        if token == "{" {
            at += 1;
            while at < tokens.len() && tokens[at] != "}" {
                let before = at;
                at = tree(tokens, at, &path, found);
                at += usize::from(tokens.get(at).is_some_and(|token| token == ","));
                at += usize::from(at == before);
            }
            return at + 1;
        }
        if !is_name(token) && token != "*" {
            break;
        }
        if !path.is_empty() {
            path.push_str("::");
        }
        path.push_str(token);
        at += 1;
        let goes_on = tokens.get(at).is_some_and(|token| token == "::");
        let next = tokens.get(at + 1).map_or("", String::as_str);
        if !goes_on || !(is_name(next) || next == "*" || next == "{") {
            break;
        }
        at += 1;
    }
    if let [word, name, ..] = &tokens[at.min(tokens.len())..]
        && word == "as"
        && is_name(name)
    {
        // Renames in declarations, where `declare` reads it; casts elsewhere, which is harmless.
        path = format!("{path} as {name}");
        at += 2;
    }
    found.push(path);
    at
}

/// Notes under which name a declared path is known, and returns the path.
fn declare(path: &str, aliases: &mut BTreeMap<String, String>) -> String {
    let (full, name) = match path.split_once(" as ") {
        Some((full, name)) => (full.to_owned(), name.to_owned()),
        None => {
            let full = path.strip_suffix("::self").unwrap_or(path).to_owned();
            let name = full.rsplit("::").next().unwrap_or_default().to_owned();
            (full, name)
        }
    };
    if name != "*" && name != "_" {
        aliases.insert(name, full.clone());
    }
    full
}

/// `self::` and `super::` made `crate::`.
fn absolute(module: &[&str], path: &str) -> String {
    let mut here: Vec<&str> = module.to_vec();
    let mut rest = path;
    let mut relative = false;
    loop {
        if let Some(more) = rest.strip_prefix("self::") {
            rest = more;
        } else if let Some(more) = rest.strip_prefix("super::") {
            here.pop();
            rest = more;
        } else {
            break;
        }
        relative = true;
    }
    if !relative {
        return path.to_owned();
    }
    let mut full = vec!["crate"];
    full.extend(here);
    full.push(rest);
    full.join("::")
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

fn is_word(tokens: &[String]) -> bool {
    tokens.first().is_some_and(|token| is_name(token))
}

fn starts_group(tokens: &[String]) -> bool {
    tokens.first().is_some_and(|token| token == "{")
}

/// Drops every item under `#[cfg(test)]`.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        if !tokens[at..].iter().map(String::as_str).take(7).eq(MARK) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        // The item ends with its outermost braces, or with a semicolon before any.
        let mut depth = 0usize;
        at += MARK.len();
        while at < tokens.len() {
            let token = tokens[at].as_str();
            at += 1;
            match token {
                "{" => depth += 1,
                "}" if depth <= 1 => break,
                "}" => depth -= 1,
                ";" if depth == 0 => break,
                _ => {}
            }
        }
    }
    kept
}

/// Names, `::` and single signs, without comments and literals.
fn tokens(source: &str) -> Vec<String> {
    let text: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let sign = rest[0];
        if sign.is_whitespace() {
            at += 1;
        } else if starts(rest, "//") {
            at += rest.iter().position(|&c| c == '\n').unwrap_or(rest.len());
        } else if starts(rest, "/*") {
            at += block_comment(rest);
        } else if let Some(length) = raw_string(rest) {
            at += length;
        } else if sign == '"' {
            at += quoted(rest, '"');
        } else if sign == '\'' {
            at += character_or_lifetime(rest);
        } else if starts(rest, "::") {
            tokens.push("::".to_owned());
            at += 2;
        } else if sign.is_alphanumeric() || sign == '_' {
            let length = rest
                .iter()
                .take_while(|c| c.is_alphanumeric() || **c == '_')
                .count();
            tokens.push(rest[..length].iter().collect());
            at += length;
        } else {
            tokens.push(sign.to_string());
            at += 1;
        }
    }
    tokens
}

fn starts(text: &[char], with: &str) -> bool {
    text.iter().copied().take(with.len()).eq(with.chars())
}

fn block_comment(text: &[char]) -> usize {
    let (mut at, mut depth) = (0, 0usize);
    while at < text.len() {
        if starts(&text[at..], "/*") {
            depth += 1;
            at += 2;
        } else if starts(&text[at..], "*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// The length of `r"…"`, `r#"…"#` and their byte and C forms; `None` for anything else.
fn raw_string(text: &[char]) -> Option<usize> {
    let prefix = text
        .iter()
        .take_while(|c| matches!(c, 'b' | 'c' | 'r'))
        .count();
    if prefix == 0 || text[prefix - 1] != 'r' {
        return None;
    }
    let hashes = text[prefix..].iter().take_while(|&&c| c == '#').count();
    let open = prefix + hashes;
    if text.get(open) != Some(&'"') {
        return None;
    }
    let close: String = std::iter::once('"')
        .chain(std::iter::repeat_n('#', hashes))
        .collect();
    let body = (open + 1..text.len()).find(|&at| starts(&text[at..], &close))?;
    Some(body + close.len())
}

fn quoted(text: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            '\\' => at += 2,
            sign if sign == quote => return at + 1,
            _ => at += 1,
        }
    }
    at
}

fn character_or_lifetime(text: &[char]) -> usize {
    let is_character = text.get(1) == Some(&'\\') || text.get(2) == Some(&'\'');
    if is_character { quoted(text, '\'') } else { 1 }
}
