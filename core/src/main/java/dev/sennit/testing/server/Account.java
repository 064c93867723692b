package dev.sennit.testing.server;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The user as which a server runs that refuses to run as root.
 *
 * @param name of the user
 * @param user its number
 * @param group the number of its group
 * @param setpriv the program by which root becomes that user
 */
record Account(String name, String user, String group, Path setpriv) {
    private static final List<String> NAMES = List.of("postgres", "nobody");
    private static final int FIELDS = 4;

    /** Returns null if this JVM does not run as root, so that there is no need for another user. */
    static @Nullable Account instead() throws ServerNotInstalledException {
        if (!"root".equals(System.getProperty("user.name"))) {
            return null;
        }
        Path setpriv = Programs.ofSystem("setpriv");
        if (setpriv == null) {
            throw new ServerNotInstalledException("setpriv is not installed, without which PostgreSQL, which refuses to"
                    + " run as root, cannot run as another user: apt-get install util-linux");
        }
        try {
            List<String> users = Files.readAllLines(Path.of("/etc/passwd"), StandardCharsets.ISO_8859_1);
            for (String name : NAMES) {
                for (String line : users) {
                    String[] fields = line.split(":");
                    if (fields.length >= FIELDS && fields[0].equals(name)) {
                        return new Account(name, fields[2], fields[3], setpriv);
                    }
                }
            }
        } catch (IOException e) {
            // said below
        }
        throw new ServerNotInstalledException("there is no user " + String.join(" or ", NAMES)
                + " as which PostgreSQL, which refuses to run as root, could run: useradd --system postgres");
    }

    /** Whether this user can come to what is in a folder. */
    static boolean canReach(Path folder) throws IOException {
        for (Path each = folder.toRealPath(); each != null; each = each.getParent()) {
            if (!Files.getPosixFilePermissions(each).contains(PosixFilePermission.OTHERS_EXECUTE)) {
                return false;
            }
        }
        return true;
    }

    /** What comes before a command that this user shall run. */
    List<String> prefix() {
        return List.of(setpriv.toString(), "--reuid=" + user, "--regid=" + group, "--clear-groups");
    }

    /** Gives a file to this user. */
    void own(Path file) throws IOException {
        Files.setOwner(file, file.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(name));
    }
}
