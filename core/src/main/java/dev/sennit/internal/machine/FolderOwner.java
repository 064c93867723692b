package dev.sennit.internal.machine;

import java.util.OptionalLong;
import java.util.regex.Pattern;

/**
 * The process that created a private folder, or file. The folder's name tells it, {@code sennit-IDENTITY-SCOPE-RANDOM},
 * so the owner is known from the moment the folder exists. A process that finds a folder whose owner is dead may remove
 * it.
 *
 * <p>The scope stands for the processes that share a numbering: in another container, or on another machine, the same
 * number is another process, whose state is unknown here.
 */
public final class FolderOwner {
    static final String PREFIX = "sennit-";

    private static final Pattern NAME = Pattern.compile(PREFIX + "[0-9a-f]+-[a-z0-9]+-\\d+");

    private static final String SELF = namePrefixOf(ProcessIdentity.SELF);

    private FolderOwner() {}

    /** Returns the prefix of the names of this process's folders. */
    public static String namePrefix() {
        return SELF;
    }

    /** Returns the prefix of the names of the folders of a process in this scope. */
    static String namePrefixOf(long identity) {
        return PREFIX + Long.toHexString(identity) + "-" + ProcessIdentity.scope() + "-";
    }

    /** Returns whether a name has the form of a folder's name. */
    static boolean isName(String name) {
        return NAME.matcher(name).matches();
    }

    /** Returns whether a name is that of a folder whose owner was a process in this scope, and has ended. */
    static boolean isDead(String name) {
        OptionalLong owner = ofThisScope(name);
        return owner.isPresent() && !ProcessIdentity.isAlive(owner.getAsLong());
    }

    /** Returns the identity of the owner; empty if it is a process of another scope, or the name is none of these. */
    public static OptionalLong ofThisScope(String name) {
        String[] own = SELF.split("-", -1);
        String[] parts = name.split("-", -1);
        if (own.length != 4 || parts.length != 4 || !own[0].equals(parts[0]) || !own[2].equals(parts[2])) {
            return OptionalLong.empty();
        }
        try {
            return OptionalLong.of(Long.parseUnsignedLong(parts[1], 16));
        } catch (NumberFormatException e) {
            return OptionalLong.empty();
        }
    }
}
