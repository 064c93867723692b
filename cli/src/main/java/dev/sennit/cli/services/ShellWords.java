package dev.sennit.cli.services;

import java.nio.file.Path;

/** Words of a command that a message tells its reader to type. */
final class ShellWords {
    private ShellWords() {}

    /**
     * Returns a path as a shell takes it for one word.
     *
     * @param path the path
     * @return the path, within quotes if it has a space, for example
     */
    static String quoted(Path path) {
        String text = path.toString();
        return text.matches("[A-Za-z0-9_@%+=:,./-]+") ? text : "'" + text.replace("'", "'\\''") + "'";
    }
}
