package dev.sennit.codec;

import dev.sennit.codec.Effort.TooMuchException;
import dev.sennit.internal.boot.ParentClasses;
import java.io.Externalizable;
import java.io.InvalidClassException;
import java.io.ObjectInputFilter;
import java.io.ObjectInputFilter.FilterInfo;
import java.io.ObjectInputFilter.Status;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Method;
import java.net.URL;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the parent is willing to read from a worker, and an end of a pipe from the other.
 *
 * <p>Allowed are the JDK's plain values and those of {@link LanguageForms}, this library's own classes, the classes that lie in the same
 * jar or folder as a task that was submitted or an object that was sent with one, or are of the same class loader where that has them
 * from neither, exceptions that do nothing when they are read, and
 * what the user names. The list of a pool or process also trusts every folder that classes are loaded from, as the
 * program's own classes lie in them while it is developed. Everything else is refused before an object is made.
 *
 * <p>Size is bounded by the message itself: all arrays together may have no more elements than a few times the message's bytes,
 * as each takes at least one, which stops a short message from asking for gigabytes, and a real value never notices.
 * Reading a hash table hashes what is in it, and tables in tables can be built so that each level doubles that work; so
 * a message with a hash table in it may not be nested as deeply as others.
 */
public final class AllowList {
    private static final int DEEPEST = 500;
    private static final int DEEPEST_WITH_HASHES = 32;
    /** A hash table with the lowest load factor that the JDK reads back has 8 slots an entry, which is at least 2 bytes. */
    private static final long ELEMENTS_A_BYTE = 4;

    private static final long ELEMENTS_AT_LEAST = 1024;

    private static final Set<String> VALUE_PACKAGES = Set.of(
            "java.lang",
            "java.math",
            "java.time",
            "java.time.chrono",
            "java.time.temporal",
            "java.time.zone",
            "java.util",
            "java.util.concurrent",
            "java.util.concurrent.atomic",
            "java.util.concurrent.locks");
    private static final Set<String> VALUE_CLASSES = Set.of(
            "java.io.File",
            "java.net.URI",
            "java.net.InetAddress",
            "java.net.Inet4Address",
            "java.net.Inet6Address",
            "java.net.InetSocketAddress",
            "java.sql.Date",
            "java.sql.Time",
            "java.sql.Timestamp",
            "java.util.regex.Pattern",
            "java.time.format.FormatStyle",
            "java.time.format.ResolverStyle",
            "java.time.format.TextStyle",
            "sun.util.BuddhistCalendar",
            "sun.util.calendar.ZoneInfo",
            // of those only what stands for one is made from a stream: here they are the elements of arrays
            "java.net.URL",
            "java.nio.ByteBuffer",
            "java.nio.charset.Charset",
            "java.nio.file.Path",
            "java.time.format.DateTimeFormatter");

    private static final ClassValue<@Nullable String> LOCATIONS = new ClassValue<>() {
        @Override
        protected @Nullable String computeValue(Class<?> type) {
            CodeSource source = type.getProtectionDomain().getCodeSource();
            URL location = source == null ? null : source.getLocation();
            return location == null || isOfJdk(location) ? null : location.toExternalForm();
        }
    };
    private static final ClassValue<Boolean> INERT = new ClassValue<>() {
        @Override
        protected Boolean computeValue(Class<?> type) {
            return isInert(type);
        }
    };

    private static final ThreadLocal<@Nullable Class<?>> MADE = new ThreadLocal<>();

    /** Jars and folders of submitted tasks, and of what was sent with them. */
    private final Set<String> taskLocations = ConcurrentHashMap.newKeySet();
    /** Loaders of submitted tasks that come from no jar or folder, such as those compiled in memory; by their {@link LoaderNumbers}. */
    private final Set<Integer> taskLoaders = ConcurrentHashMap.newKeySet();
    /** One look-up a class, which holds no class: a pool may outlive the loader of a plugin. */
    private final ClassValue<Boolean> places = new ClassValue<>() {
        @Override
        protected Boolean computeValue(Class<?> sent) {
            if (!isJdk(sent)) { // that has a place and a loader too, with all kinds of classes there
                allowPlaceOf(sent);
            }
            return true;
        }
    };
    /** Whether folders of classes are allowed as well. */
    private final boolean trustsFolders;

    private final List<String> named;
    /** The method that adds to it; for messages. */
    private final String remedy;

    /**
     * Creates the list of a pool.
     *
     * @param named class names, {@code package.*} or {@code package.**}
     */
    public AllowList(List<String> named) {
        this(named, "allow");
    }

    /**
     * Creates a list.
     *
     * @param named class names, {@code package.*} or {@code package.**}
     * @param remedy the method that adds to it, for messages
     */
    public AllowList(List<String> named, String remedy) {
        this(named, remedy, false);
    }

    private AllowList(List<String> named, String remedy, boolean trustsFolders) {
        this.named = List.copyOf(named);
        this.remedy = remedy;
        this.trustsFolders = trustsFolders;
    }

    /** The list for processes that this one starts. */
    public static AllowList forWorkers(List<String> named) {
        return new AllowList(named, "allow", true);
    }

    /** A list that this process's parent made, and sent here with what it is for. */
    public AllowList(List<String> named, Collection<String> locations) {
        this(named);
        taskLocations.addAll(locations);
    }

    /** The same, and what some patterns name. */
    public AllowList and(String... patterns) {
        ensurePatterns(patterns);
        List<String> all = new ArrayList<>(named);
        all.addAll(Arrays.asList(patterns));
        var longer = new AllowList(all, "allow", trustsFolders);
        longer.taskLocations.addAll(taskLocations);
        longer.taskLoaders.addAll(taskLoaders);
        return longer;
    }

    /**
     * Checks patterns when they are given: one that names nothing would be noticed by the refusal of a value much later.
     *
     * @throws IllegalArgumentException naming the one that is none
     */
    public static void ensurePatterns(String... patterns) {
        for (String pattern : patterns) {
            if (!isPattern(pattern)) {
                throw new IllegalArgumentException(
                        "allow must be a class, package.* or package.**, such as com.acme.Money, com.acme.* or com.acme.**, was \""
                                + pattern + "\"");
            }
        }
    }

    private static boolean isPattern(String pattern) {
        String named = pattern.endsWith(".**")
                ? pattern.substring(0, pattern.length() - 3)
                : pattern.endsWith(".*") ? pattern.substring(0, pattern.length() - 2) : pattern;
        return Stream.of(named.split("\\.", -1)).allMatch(AllowList::isIdentifier);
    }

    /** Not the compiler's idea of one, which knows keywords: other languages have others. */
    private static boolean isIdentifier(String part) {
        return !part.isEmpty()
                && Character.isJavaIdentifierStart(part.codePointAt(0))
                && part.codePoints().allMatch(Character::isJavaIdentifierPart);
    }

    public List<String> named() {
        return named;
    }

    public List<String> locations() {
        return List.copyOf(taskLocations);
    }

    /** Allows what lies beside the class of a task, or of an object that is sent with it. */
    public void allowBeside(Class<?> sent) {
        places.get(sent);
    }

    private void allowPlaceOf(Class<?> sent) {
        String location = LOCATIONS.get(sent);
        if (location != null) {
            taskLocations.add(location);
        } else if (LoaderNumbers.of(sent) != ParentClasses.SYSTEM) {
            taskLoaders.add(LoaderNumbers.of(sent));
        }
    }

    /** The JDK's modules have locations too, with all kinds of classes in them; those of an application beside them in an image are its own. */
    private static boolean isOfJdk(URL location) {
        return location.getProtocol().equals("jrt")
                && (location.getPath().startsWith("/java.") || location.getPath().startsWith("/jdk."));
    }

    private static boolean isFolder(String location) {
        return location.startsWith("file:") && location.endsWith("/");
    }

    /** Whether a class is an exception that nothing is done for when it is read: its fields are set, each to what is allowed itself. */
    private static boolean isInert(Class<?> type) {
        if (!Throwable.class.isAssignableFrom(type) || Externalizable.class.isAssignableFrom(type)) {
            return false;
        }
        for (Class<?> above = type; above != null && !isJdk(above); above = above.getSuperclass()) {
            try {
                if (Arrays.stream(above.getDeclaredMethods()).anyMatch(AllowList::isHook)) {
                    return false;
                }
            } catch (LinkageError e) { // it names classes that are not here
                return false;
            }
        }
        return true;
    }

    /** What the JVM calls when it reads an object, or throws it away. */
    private static boolean isHook(Method method) {
        return switch (method.getName()) {
            case "readObject", "readObjectNoData", "readResolve", "readExternal", "finalize" -> true;
            default -> false;
        };
    }

    /** Refuses a class that is not on the list, and arrays of it. */
    void require(Class<?> type) throws InvalidClassException {
        Class<?> element = elementOf(type);
        if (!element.isPrimitive() && !isAllowed(element)) {
            throw new InvalidClassException(notAllowed(element));
        }
    }

    static Class<?> elementOf(Class<?> type) {
        Class<?> element = type;
        while (element.isArray()) {
            element = element.getComponentType();
        }
        return element;
    }

    private String notAllowed(Class<?> type) {
        String packageName = type.getPackageName();
        String pattern = packageName.isEmpty() ? type.getName() : packageName + ".*"; // there is none for the package without a name
        return "class " + type.getName() + " is not on the allow-list; add it with " + remedy + "(" + pattern + ")";
    }

    public Filter filterFor(int messageBytes, @Nullable Effort effort) {
        return new Filter(messageBytes, effort);
    }

    private boolean isAllowed(Class<?> type) {
        String name = type.getName();
        if (isJdk(type) ? isPlain(type) : isOurs(type) || LanguageForms.isPlain(type) || INERT.get(type)) {
            return true;
        }
        for (String pattern : named) {
            if (matches(pattern, name, type.getPackageName())) {
                return true;
            }
        }
        String location = LOCATIONS.get(type);
        return location != null
                ? taskLocations.contains(location) || (trustsFolders && isFolder(location))
                : taskLoaders.contains(LoaderNumbers.of(type));
    }

    private static boolean isPlain(Class<?> type) {
        return VALUE_PACKAGES.contains(type.getPackageName())
                || VALUE_CLASSES.contains(type.getName())
                || Throwable.class.isAssignableFrom(type)
                || MemorySegment.class.isAssignableFrom(type); // only what stands for one is made from a stream
    }

    /** Whether a class is this library's own. */
    public static boolean isOurs(Class<?> type) {
        return (type.getPackageName() + ".").startsWith("dev.sennit.")
                && type.getModule() == AllowList.class.getModule()
                && type.getClassLoader() == AllowList.class.getClassLoader();
    }

    static boolean isJdk(Class<?> type) {
        ClassLoader loader = type.getClassLoader();
        return loader == null || loader == ClassLoader.getPlatformClassLoader();
    }

    private static boolean matches(String pattern, String className, String packageName) {
        if (pattern.endsWith(".**")) {
            String root = pattern.substring(0, pattern.length() - 3);
            return packageName.equals(root) || packageName.startsWith(root + ".");
        }
        if (pattern.endsWith(".*")) {
            return packageName.equals(pattern.substring(0, pattern.length() - 2));
        }
        return className.equals(pattern);
    }

    /** Lets this thread's filter pass what a form of this library has made: the stream asks about that next, as if it were in the message. */
    public static <T> T made(T value) {
        MADE.set(value.getClass());
        return value;
    }

    /** The filter of one message. */
    final class Filter implements ObjectInputFilter {
        private final int messageBytes;
        private final @Nullable Effort effort;
        private boolean hasHashTable;
        private boolean hasLink;
        /** Whether there is what stands for a list, set or map of {@code of}: which of them it is, the stream does not tell. */
        private boolean hasOneOfOf;
        private long deepest;
        /** In all arrays so far: those that lie in one another are all there at once. */
        private long elements;
        private @Nullable String refusal;

        Filter(int messageBytes, @Nullable Effort effort) {
            this.messageBytes = messageBytes;
            this.effort = effort;
            MADE.remove(); // of a message before, which nobody filtered
        }

        @Override
        public Status checkInput(FilterInfo info) {
            try {
                if (effort != null) {
                    effort.step();
                }
            } catch (TooMuchException e) { // the stream would not say why
                return refuse(String.valueOf(e.getMessage()));
            }
            // Of an object whose class was met before, the stream tells only the depth.
            deepest = Math.max(deepest, info.depth());
            Class<?> type = info.serialClass();
            hasHashTable |= type != null && (Map.class.isAssignableFrom(type) || Set.class.isAssignableFrom(type));
            hasLink |= type == ValueForms.Link.class;
            hasOneOfOf |= type != null && type.getName().equals(ExpandedSize.AT_ONE_GO);
            if (hasLink && hasHashTable) {
                return refuse(ValueForms.Link.IN_HASH_TABLE);
            }
            if (hasLink && hasOneOfOf) {
                return refuse(ValueForms.Link.IN_ONE_OF_OF);
            }
            int limit = hasHashTable ? DEEPEST_WITH_HASHES : DEEPEST;
            if (deepest > limit) {
                return refuse("nested too deeply: more than " + limit + " levels" + (hasHashTable ? " with a map or set among them" : "")
                        + "; send a flat list");
            }
            elements += Math.max(0, info.arrayLength());
            if (elements > ELEMENTS_AT_LEAST + ELEMENTS_A_BYTE * messageBytes) {
                return refuse("a message of " + messageBytes + " bytes that asks for an array of " + info.arrayLength()
                        + (elements > info.arrayLength() ? ", and for " + elements + " elements in all" : ""));
            }
            if (type == null) {
                return Status.UNDECIDED;
            }
            if (type == MADE.get()) {
                MADE.remove();
                return Status.ALLOWED;
            }
            if (type == URL.class) {
                return refuse("a java.net.URL in a form that looks up its host");
            }
            Class<?> element = elementOf(type);
            if (element.isPrimitive() || isAllowed(element)) {
                return Status.ALLOWED;
            }
            return refuse(notAllowed(element));
        }

        /** What was refused and how to allow it, or null; the stream's own exception does not say. */
        @Nullable String refusal() {
            return refusal;
        }

        private Status refuse(String what) {
            refusal = what;
            return Status.REJECTED;
        }
    }
}
