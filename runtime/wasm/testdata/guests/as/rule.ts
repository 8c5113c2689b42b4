// The rule in AssemblyScript, by the members it needs.

@external("tenterhook", "get_text")
declare function get_text(pointer: usize, pointerLen: i32, buf: usize, cap: i32): i32;

export function tenterhook_abi_v1(): void {}

let buf = new ArrayBuffer(256);
let out = new ArrayBuffer(0);

// text is the text at a JSON Pointer, empty when it is missing or null.
function text(pointer: string): string {
  const p = String.UTF8.encode(pointer);
  let n = get_text(changetype<usize>(p), p.byteLength, changetype<usize>(buf), buf.byteLength);
  if (n == -3) throw new Error("not a text: " + pointer);
  if (n > buf.byteLength) {
    buf = new ArrayBuffer(n);
    n = get_text(changetype<usize>(p), p.byteLength, changetype<usize>(buf), n);
  }
  return n <= 0 ? "" : String.UTF8.decodeUnsafe(changetype<usize>(buf), n);
}

// quoted is s as a JSON string.
function quoted(s: string): string {
  let q = '"';
  let from = 0;
  for (let i = 0; i < s.length; i++) {
    const c = s.charCodeAt(i);
    if (c >= 32 && c != 34 && c != 92) continue;
    q += s.substring(from, i) + (c < 32 ? "\\u00" + (c < 16 ? "0" : "") + c.toString(16) : "\\" + s.charAt(i));
    from = i + 1;
  }
  return q + s.substring(from) + '"';
}

function draft(): string {
  const email = text("/data/userProfile/email");
  if (email == "" || email.endsWith("@blocked.example")) {
    return '{"commands":[{"type":"com.okta.action.update","value":{"registration":"DENY"}}],"error":{"errorSummary":"Use another address."}}';
  }
  const name = text("/data/userProfile/firstName") + " " + text("/data/userProfile/lastName");
  const department = text("/data/userProfile/department").toUpperCase();
  return '{"commands":[{"type":"com.okta.user.profile.update","value":{"displayName":' + quoted(name) + ',"department":' + quoted(department) + "}}]}";
}

export function decide(): u64 {
  out = String.UTF8.encode(draft());
  return (<u64>changetype<usize>(out) << 32) | <u64>out.byteLength;
}
