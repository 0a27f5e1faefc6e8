//! Checks single values; each function gives the value as it is used, or says how to write it.

/// The name or ARN of a function.
pub fn function_name(name: String) -> Result<String, String> {
    let fits = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_.:$".contains(&b));
    if fits && name.len() <= 256 {
        Ok(name)
    } else {
        Err("it is not a function's name or ARN".to_owned())
    }
}

/// A method that can be served.
pub fn method_name(method: &str) -> Result<String, String> {
    match method.to_ascii_uppercase() {
        method if ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) => {
            Ok(method)
        }
        method if method == "HEAD" => Err("it goes with GET: leave it out".to_owned()),
        method if method == "OPTIONS" => Err("OPTIONS is always answered: leave it out".to_owned()),
        _ => Err("it is none of GET, POST, PUT, PATCH, DELETE".to_owned()),
    }
}

/// The name of a header.
pub fn header_name(name: String) -> Result<String, String> {
    let is_token = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    if is_token {
        Ok(name)
    } else {
        Err("it is not a header's name".to_owned())
    }
}

/// An e-mail address or `*@domain`, in lower case.
pub fn email_rule(email: String) -> Result<String, String> {
    let is_part = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "*@;<>".contains(c))
    };
    match email.rsplit_once('@') {
        Some((local, domain)) if (local == "*" || is_part(local)) && is_part(domain) => {
            Ok(email.to_ascii_lowercase())
        }
        _ => Err("write name@domain or *@domain".to_owned()),
    }
}

/// A claim that `IDENTITY_CLAIMS` may name.
pub fn identity_claim(name: String) -> Result<String, String> {
    match name.as_str() {
        "sub" | "email" => Err("it is always there: leave it out".to_owned()),
        "arn" => Err("it is what IAM says of its callers: no claim may set it".to_owned()),
        _ => Ok(name),
    }
}
