//! JMESPath expressions as trees, by binding powers.
//!
//! Where the official grammar and the AWS CLI's library differ the library is followed: it takes a list of arguments without commas,
//! and its complaints name what it wanted.

use recant_wire::document::Document;
use recant_wire::python;

use super::lexer::{Kind, Token, tokens};
use super::syntax::SyntaxError;

/// Brackets and operators may be inside each other this deep: trees are walked by recursion.
const DEPTH_MAX: usize = 220;
/// Operators that bind less than this end a projection.
const PROJECTION_STOP: u8 = 10;

/// One part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// `@`, and where the grammar has nothing.
    Identity,
    /// A name.
    Field(String),
    /// A value in backquotes or quotes.
    Literal(Document),
    /// `[1]`, from the end if negative.
    Index(i64),
    /// `[start:stop:step]`.
    Slice([Option<i64>; 3]),
    /// Each applied to what the one before it gave: `a.b`, `a[0]`, `a | b`.
    Chain(Vec<Node>),
    /// The right part of each element of the list that the left part gives: `[*]`, `[]`, slices.
    Projection(Box<Node>, Box<Node>),
    /// The right part of each value of the structure that the left part gives: `*`.
    ValueProjection(Box<Node>, Box<Node>),
    /// The right part of each element for which the condition holds: `[?condition]`.
    Filter(Box<Node>, Box<Node>, Box<Node>),
    /// One level of lists less.
    Flatten(Box<Node>),
    /// `==` and its like.
    Comparison(Comparator, Box<Node>, Box<Node>),
    /// `||`.
    Or(Box<Node>, Box<Node>),
    /// `&&`.
    And(Box<Node>, Box<Node>),
    /// `!`.
    Not(Box<Node>),
    /// `&`: an expression that a function applies itself.
    Reference(Box<Node>),
    /// A function's name and arguments.
    Call(String, Vec<Node>),
    /// `[a, b]`.
    List(Vec<Node>),
    /// `{a: b}`.
    Hash(Vec<(String, Node)>),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparator {
    Eq,
    Ne,
    Lt,
    Lte,
    Gt,
    Gte,
}

/// Reads a whole expression.
///
/// # Errors
///
/// The first word that is out of place.
pub(super) fn parse(expression: &str) -> Result<Node, SyntaxError> {
    if expression.is_empty() {
        return Err(SyntaxError::Empty);
    }
    let mut parser = Parser { tokens: tokens(expression)?, at: 0, depth: 0 };
    let node = parser.expression(0)?;
    let rest = parser.token();
    if rest.kind == Kind::Eof {
        return Ok(node);
    }
    Err(SyntaxError::misplaced(rest, format!("Unexpected token: {}", python::str(&rest.value))))
}

/// How strongly an operator holds what stands before it.
fn binding_power(kind: Kind) -> u8 {
    match kind {
        Kind::Pipe => 1,
        Kind::Or => 2,
        Kind::And => 3,
        Kind::Eq | Kind::Gt | Kind::Lt | Kind::Gte | Kind::Lte | Kind::Ne => 5,
        Kind::Flatten => 9,
        Kind::Star => 20,
        Kind::Filter => 21,
        Kind::Dot => 40,
        Kind::Not => 45,
        Kind::Lbrace => 50,
        Kind::Lbracket => 55,
        Kind::Lparen => 60,
        _ => 0,
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    /// The present word; past the end it is the end again.
    fn token(&self) -> &Token {
        self.ahead(0)
    }

    fn ahead(&self, count: usize) -> &Token {
        let last = self.tokens.len() - 1;
        &self.tokens[(self.at + count).min(last)]
    }

    fn kind(&self) -> Kind {
        self.token().kind
    }

    fn advance(&mut self) -> Token {
        let token = self.token().clone();
        self.at += 1;
        token
    }

    fn expect(&mut self, kind: Kind) -> Result<(), SyntaxError> {
        if self.kind() == kind {
            self.at += 1;
            return Ok(());
        }
        Err(self.unexpected(&format!("Expecting: {}, got: {}", kind.name(), self.kind().name())))
    }

    /// The error for the present word; for the end it is another one.
    fn unexpected(&self, why: &str) -> SyntaxError {
        match self.kind() {
            Kind::Eof => SyntaxError::Incomplete,
            _ => SyntaxError::misplaced(self.token(), why),
        }
    }

    fn expression(&mut self, power: u8) -> Result<Node, SyntaxError> {
        let outer = self.depth;
        let node = self.expression_at(power)?;
        self.depth = outer;
        Ok(node)
    }

    fn deepen(&mut self) -> Result<(), SyntaxError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(SyntaxError::TooDeep) } else { Ok(()) }
    }

    fn expression_at(&mut self, power: u8) -> Result<Node, SyntaxError> {
        self.deepen()?;
        let token = self.advance();
        let mut left = self.beginning(token)?;
        while power < binding_power(self.kind()) {
            // What is on the left gets one level deeper, too.
            self.deepen()?;
            left = self.continuation(left)?;
        }
        Ok(left)
    }

    /// What an expression can begin with.
    fn beginning(&mut self, token: Token) -> Result<Node, SyntaxError> {
        match token.kind {
            Kind::Literal => Ok(Node::Literal(token.value)),
            Kind::UnquotedIdentifier => Ok(Node::Field(python::str(&token.value))),
            Kind::QuotedIdentifier => {
                if self.kind() == Kind::Lparen {
                    let found = Token { start: 0, ..self.token().clone() };
                    let why = "Quoted identifier not allowed for function names.";
                    return Err(SyntaxError::misplaced(&found, why));
                }
                Ok(Node::Field(python::str(&token.value)))
            }
            Kind::Star => {
                let right = match self.kind() {
                    Kind::Rbracket => Node::Identity,
                    _ => self.projected(binding_power(Kind::Star))?,
                };
                Ok(Node::ValueProjection(Box::new(Node::Identity), Box::new(right)))
            }
            Kind::Filter => self.filter(Node::Identity),
            Kind::Lbrace => self.hash(),
            Kind::Lparen => {
                let inner = self.expression(0)?;
                self.expect(Kind::Rparen)?;
                Ok(inner)
            }
            Kind::Flatten => self.flatten(Node::Identity),
            Kind::Not => Ok(Node::Not(Box::new(self.expression(binding_power(Kind::Not))?))),
            Kind::Lbracket => match self.kind() {
                Kind::Number | Kind::Colon => self.index(Node::Identity),
                Kind::Star if self.ahead(1).kind == Kind::Rbracket => {
                    self.at += 2;
                    let right = self.projected(binding_power(Kind::Star))?;
                    Ok(Node::Projection(Box::new(Node::Identity), Box::new(right)))
                }
                _ => self.list(),
            },
            Kind::Current => Ok(Node::Identity),
            Kind::Expref => Ok(Node::Reference(Box::new(self.expression(0)?))),
            Kind::Eof => Err(SyntaxError::Incomplete),
            _ => Err(SyntaxError::misplaced(&token, "invalid token")),
        }
    }

    /// What can follow an expression.
    fn continuation(&mut self, left: Node) -> Result<Node, SyntaxError> {
        let kind = self.kind();
        let power = binding_power(kind);
        if matches!(kind, Kind::Star | Kind::Not | Kind::Lbrace) {
            return Err(SyntaxError::misplaced(self.token(), "invalid token"));
        }
        self.at += 1;
        let comparator = match kind {
            Kind::Eq => Some(Comparator::Eq),
            Kind::Ne => Some(Comparator::Ne),
            Kind::Lt => Some(Comparator::Lt),
            Kind::Lte => Some(Comparator::Lte),
            Kind::Gt => Some(Comparator::Gt),
            Kind::Gte => Some(Comparator::Gte),
            _ => None,
        };
        if let Some(comparator) = comparator {
            let right = self.expression(power)?;
            return Ok(Node::Comparison(comparator, Box::new(left), Box::new(right)));
        }
        match kind {
            Kind::Dot if self.kind() == Kind::Star => {
                self.at += 1;
                let right = self.projected(power)?;
                Ok(Node::ValueProjection(Box::new(left), Box::new(right)))
            }
            Kind::Dot => {
                let right = self.after_dot(power)?;
                Ok(chain(left, right))
            }
            Kind::Pipe => {
                let right = self.expression(power)?;
                Ok(Node::Chain(vec![left, right]))
            }
            Kind::Or => Ok(Node::Or(Box::new(left), Box::new(self.expression(power)?))),
            Kind::And => Ok(Node::And(Box::new(left), Box::new(self.expression(power)?))),
            Kind::Lparen => self.call(left),
            Kind::Filter => self.filter(left),
            Kind::Flatten => self.flatten(left),
            Kind::Lbracket if matches!(self.kind(), Kind::Number | Kind::Colon) => self.index(left),
            _ => {
                self.expect(Kind::Star)?;
                self.expect(Kind::Rbracket)?;
                let right = self.projected(binding_power(Kind::Star))?;
                Ok(Node::Projection(Box::new(left), Box::new(right)))
            }
        }
    }

    /// `[…]` after its bracket: one element, or a slice, which projects.
    fn index(&mut self, left: Node) -> Result<Node, SyntaxError> {
        if self.kind() != Kind::Colon && self.ahead(1).kind != Kind::Colon {
            let index = self.advance();
            self.expect(Kind::Rbracket)?;
            return Ok(chain(left, Node::Index(clamped(&index.value))));
        }
        let mut parts = [None; 3];
        let mut part = 0;
        while self.kind() != Kind::Rbracket {
            match self.kind() {
                Kind::Colon if part < 2 => part += 1,
                Kind::Number => parts[part] = Some(clamped(&self.token().value)),
                _ => return Err(SyntaxError::misplaced(self.token(), "syntax error")),
            }
            self.at += 1;
        }
        self.expect(Kind::Rbracket)?;
        let right = self.projected(binding_power(Kind::Star))?;
        Ok(Node::Projection(Box::new(chain(left, Node::Slice(parts))), Box::new(right)))
    }

    fn call(&mut self, left: Node) -> Result<Node, SyntaxError> {
        let Node::Field(name) = left else {
            let before = &self.tokens[self.at.saturating_sub(2)];
            let why = format!("Invalid function name '{}'", python::str(&before.value));
            return Err(SyntaxError::misplaced(before, why));
        };
        let mut arguments = Vec::new();
        while self.kind() != Kind::Rparen {
            arguments.push(self.expression(0)?);
            if self.kind() == Kind::Comma {
                self.at += 1;
            }
        }
        self.expect(Kind::Rparen)?;
        Ok(Node::Call(name, arguments))
    }

    fn filter(&mut self, left: Node) -> Result<Node, SyntaxError> {
        let condition = self.expression(0)?;
        self.expect(Kind::Rbracket)?;
        let right = match self.kind() {
            Kind::Flatten => Node::Identity,
            _ => self.projected(binding_power(Kind::Filter))?,
        };
        Ok(Node::Filter(Box::new(left), Box::new(right), Box::new(condition)))
    }

    fn flatten(&mut self, left: Node) -> Result<Node, SyntaxError> {
        let right = self.projected(binding_power(Kind::Flatten))?;
        Ok(Node::Projection(Box::new(Node::Flatten(Box::new(left))), Box::new(right)))
    }

    /// What is done with each element of a projection.
    fn projected(&mut self, power: u8) -> Result<Node, SyntaxError> {
        match self.kind() {
            kind if binding_power(kind) < PROJECTION_STOP => Ok(Node::Identity),
            Kind::Lbracket | Kind::Filter => self.expression(power),
            Kind::Dot => {
                self.at += 1;
                self.after_dot(power)
            }
            _ => Err(SyntaxError::misplaced(self.token(), "syntax error")),
        }
    }

    fn after_dot(&mut self, power: u8) -> Result<Node, SyntaxError> {
        match self.kind() {
            Kind::QuotedIdentifier | Kind::UnquotedIdentifier | Kind::Star => self.expression(power),
            Kind::Lbracket => {
                self.at += 1;
                self.list()
            }
            Kind::Lbrace => {
                self.at += 1;
                self.hash()
            }
            kind => {
                let allowed = "['quoted_identifier', 'unquoted_identifier', 'lbracket', 'lbrace']";
                let why = format!("Expecting: {allowed}, got: {}", kind.name());
                Err(SyntaxError::misplaced(self.token(), why))
            }
        }
    }

    fn list(&mut self) -> Result<Node, SyntaxError> {
        let mut nodes = Vec::new();
        loop {
            nodes.push(self.expression(0)?);
            if self.kind() == Kind::Rbracket {
                self.at += 1;
                return Ok(Node::List(nodes));
            }
            self.expect(Kind::Comma)?;
        }
    }

    fn hash(&mut self) -> Result<Node, SyntaxError> {
        let mut pairs = Vec::new();
        loop {
            if !matches!(self.kind(), Kind::QuotedIdentifier | Kind::UnquotedIdentifier) {
                let wanted = "['quoted_identifier', 'unquoted_identifier']";
                let why = format!("Expecting: {wanted}, got: {}", self.kind().name());
                return Err(self.unexpected(&why));
            }
            let key = self.advance();
            self.expect(Kind::Colon)?;
            pairs.push((python::str(&key.value), self.expression(0)?));
            match self.kind() {
                Kind::Comma => self.at += 1,
                Kind::Rbrace => {
                    self.at += 1;
                    return Ok(Node::Hash(pairs));
                }
                // The library goes on without a comma.
                _ => {}
            }
        }
    }
}

/// One after the other, in one list where the left part is a chain already.
fn chain(left: Node, right: Node) -> Node {
    match left {
        Node::Chain(mut nodes) => {
            nodes.push(right);
            Node::Chain(nodes)
        }
        left => Node::Chain(vec![left, right]),
    }
}

/// A position; no list is as long as a number that does not fit.
fn clamped(number: &Document) -> i64 {
    match number {
        Document::Integer(number) => *number,
        Document::BigInteger(digits) if digits.starts_with('-') => i64::MIN,
        _ => i64::MAX,
    }
}
