package dev.sennit.server;

/** Checks of header fields: no value may end its line, as the rest would be taken for fields or a body. */
final class Fields {
    private static final String OF_TOKENS = "!#$%&'*+-.^_`|~";

    private Fields() {}

    static String ensureName(String name) {
        boolean isName = !name.isEmpty() && name.chars()
                .allMatch(c -> c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
                        || OF_TOKENS.indexOf(c) >= 0);
        if (!isName) {
            throw new IllegalArgumentException("the name of a header field must be a token, was \"" + name + "\"");
        }
        return name;
    }

    static String ensureValue(String name, String value) {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c < ' ' && c != '\t' || c == 127) {
                throw new IllegalArgumentException(
                        "header field " + name + " must have no control characters, has one at index " + i);
            }
        }
        return value;
    }
}
