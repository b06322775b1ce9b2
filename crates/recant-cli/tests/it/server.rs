//! A server that records what it is asked and answers by a script.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// One step of the script.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Status, headers, body.
    Reply(u16, Vec<(&'static str, String)>, String),
    /// The connection ends unanswered.
    Close,
    /// Fewer bytes than announced.
    Short(String),
}

impl Answer {
    pub(crate) fn ok(body: &str) -> Self {
        Self::Reply(200, Vec::new(), body.to_owned())
    }

    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>1</RequestId></ErrorResponse>"
        );
        Self::Reply(status, Vec::new(), body)
    }

    fn bytes(&self) -> Option<String> {
        match self {
            Self::Close => None,
            Self::Short(body) => {
                Some(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len() + 9))
            }
            Self::Reply(status, headers, body) => {
                let headers: String =
                    headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                Some(format!(
                    "HTTP/1.1 {status} Status\r\n{headers}Content-Length: {}\r\n\r\n{body}",
                    body.len()
                ))
            }
        }
    }
}

/// What a server answers.
type Script = dyn Fn(usize, &str) -> Answer + Send + Sync;

/// A listening server. It goes away with the test's process.
pub(crate) struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts to listen. The last answer is given again and again.
    pub(crate) fn start(answers: Vec<Answer>) -> Self {
        Self::answering(move |step, _| answers[step.min(answers.len() - 1)].clone())
    }

    /// Starts to listen; answers by the number of the request, from 0 on, and the request itself.
    pub(crate) fn answering(script: impl Fn(usize, &str) -> Answer + Send + Sync + 'static) -> Self {
        let script: Arc<Script> = Arc::new(script);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (script, recorded) = (Arc::clone(&script), Arc::clone(&recorded));
                thread::spawn(move || serve(&stream.unwrap(), &*script, &recorded));
            }
        });
        Self { port, requests }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The requests so far, as they came; the port reads PORT.
    pub(crate) fn requests(&self) -> Vec<String> {
        let port = self.port.to_string();
        self.requests.lock().unwrap().iter().map(|request| request.replace(&port, "PORT")).collect()
    }
}

fn serve(stream: &TcpStream, script: &Script, recorded: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            let is_end = line == "\r\n";
            head.push_str(&line);
            if is_end {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let request = head + &String::from_utf8(body).unwrap();
        let step = {
            let mut recorded = recorded.lock().unwrap();
            recorded.push(request.clone());
            recorded.len() - 1
        };
        let answer = script(step, &request);
        let Some(bytes) = answer.bytes() else { return };
        let mut writer = stream;
        writer.write_all(bytes.as_bytes()).unwrap();
        if matches!(answer, Answer::Short(_)) {
            return;
        }
    }
}
