package dev.sennit.internal.machine;

import java.util.regex.Pattern;

/**
 * The process that made a private folder, as the name tells: {@code sennit-IDENTITY-SCOPE-RANDOM}, so that it is known from the moment it is there.
 * A process that finds a folder whose owner is dead may remove it.
 *
 * <p>The scope stands for the processes that are numbered together: in another container, or on another machine, the same number is
 * another process, and nothing can be said of it.
 */
public final class FolderOwner {
    static final String PREFIX = "sennit-";

    private static final Pattern NAME = Pattern.compile(PREFIX + "[0-9a-f]+-[a-z0-9]+-\\d+");

    private static final String SELF = namePrefixOf(ProcessIdentity.SELF);

    private FolderOwner() {}

    /** How the names of this process's folders begin. */
    public static String namePrefix() {
        return SELF;
    }

    /** How the names of folders would begin of another process here. */
    static String namePrefixOf(long identity) {
        return PREFIX + Long.toHexString(identity) + "-" + ProcessIdentity.scope() + "-";
    }

    /** Whether a folder of some process's may be called so. */
    static boolean isName(String name) {
        return NAME.matcher(name).matches();
    }

    /** Whether the name is that of a folder whose owner was a process here, and has ended. */
    static boolean isDead(String name) {
        String[] own = SELF.split("-", -1);
        String[] parts = name.split("-", -1);
        if (own.length != 4 || parts.length != 4 || !own[0].equals(parts[0]) || !own[2].equals(parts[2])) {
            return false;
        }
        try {
            return !ProcessIdentity.isAlive(Long.parseUnsignedLong(parts[1], 16));
        } catch (NumberFormatException e) {
            return false;
        }
    }
}
