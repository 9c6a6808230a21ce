"""The ABNF of RFC 9112, RFC 9110 and RFC 3986 as printed; a rule that is ours says so."""

from tests.oracle.abnf import Grammar

HTTP = Grammar(r"""
; --- RFC 9112 -------------------------------------------------------------------------------------
request-line = method SP request-target SP HTTP-version
method = token
HTTP-version = HTTP-name "/" DIGIT "." DIGIT
HTTP-name = %x48.54.54.50
; Ours: any visible ASCII but "#". RFC 3986 knows fewer characters, but browsers send the others.
request-target = 1*( %x21-22 / %x24-7E )
status-line = HTTP-version SP status-code [ SP [ reason-phrase ] ]
; Ours: the SP before an absent reason-phrase may be absent, too. It is everywhere, and harmless.
status-code = 3DIGIT
reason-phrase = 1*( HTAB / SP / VCHAR / obs-text )
field-line = field-name ":" OWS field-value OWS
transfer-coding = token *( OWS ";" OWS transfer-parameter )
transfer-parameter = token BWS "=" BWS ( token / quoted-string )
transfer-codings = transfer-coding *( OWS "," OWS transfer-coding )
chunk-line = chunk-size [ chunk-ext ]
chunk-size = 1*HEXDIG
chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
chunk-ext-name = token
chunk-ext-val = token / quoted-string
; --- RFC 9110 -------------------------------------------------------------------------------------
Content-Length = 1*DIGIT
Host = uri-host [ ":" port ]
Connection = [ *( OWS "," ) OWS token *( OWS "," OWS [ token ] ) ]
field-name = token
field-value = *field-content
field-content = field-vchar [ 1*( SP / HTAB / field-vchar ) field-vchar ]
field-vchar = VCHAR / obs-text
token = 1*tchar
tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE
qdtext = HTAB / SP / %x21 / %x23-5B / %x5D-7E / obs-text
quoted-pair = %x5C ( HTAB / SP / VCHAR / obs-text )
obs-text = %x80-FF
OWS = *( SP / HTAB )
BWS = OWS
; --- RFC 3986 -------------------------------------------------------------------------------------
http-uri = ( "http" / "https" ) "://" uri-host [ ":" port ] after-authority
; Ours: the same characters as in request-target; a path begins with "/" or is empty.
after-authority = [ "/" *( %x21-22 / %x24-3E / %x40-7E ) ] [ "?" *( %x21-22 / %x24-7E ) ]
; Ours: never empty (RFC 9110 section 4.2.1).
uri-host = IP-literal / 1*( unreserved / pct-encoded / sub-delims )
IP-literal = "[" ( IPv6address / IPvFuture ) "]"
IPvFuture = "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )
IPv6address = 6( h16 ":" ) ls32
            / "::" 5( h16 ":" ) ls32
            / [ h16 ] "::" 4( h16 ":" ) ls32
            / [ *1( h16 ":" ) h16 ] "::" 3( h16 ":" ) ls32
            / [ *2( h16 ":" ) h16 ] "::" 2( h16 ":" ) ls32
            / [ *3( h16 ":" ) h16 ] "::" h16 ":" ls32
            / [ *4( h16 ":" ) h16 ] "::" ls32
            / [ *5( h16 ":" ) h16 ] "::" h16
            / [ *6( h16 ":" ) h16 ] "::"
h16 = 1*4HEXDIG
ls32 = ( h16 ":" h16 ) / IPv4address
IPv4address = dec-octet "." dec-octet "." dec-octet "." dec-octet
dec-octet = "25" %x30-35 / "2" %x30-34 DIGIT / "1" 2DIGIT / %x31-39 DIGIT / DIGIT
port = *DIGIT
unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~"
pct-encoded = "%" HEXDIG HEXDIG
sub-delims = "!" / "$" / "&" / "'" / "(" / ")" / "*" / "+" / "," / ";" / "="
; --- RFC 5234 -------------------------------------------------------------------------------------
ALPHA = %x41-5A / %x61-7A
DIGIT = %x30-39
HEXDIG = DIGIT / "A" / "B" / "C" / "D" / "E" / "F"
VCHAR = %x21-7E
DQUOTE = %x22
SP = %x20
HTAB = %x09
""")
