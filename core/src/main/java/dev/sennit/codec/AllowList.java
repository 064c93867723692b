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
 * The classes that the parent is willing to read from a worker, or an end of a pipe from the other end.
 *
 * <p>Allowed are: the JDK's simple values and those of {@link LanguageForms}; this library's own classes; classes in
 * the same jar or folder as a submitted task or an object sent with a task, or of the same class loader if that has its
 * classes from neither; exceptions without code that runs when they are read; and the classes that the user names. The
 * list of a pool or process also trusts every folder of classes, as the program's own classes are in folders during
 * development. Every other class is refused before an object is made.
 *
 * <p>The message itself bounds sizes: all arrays together may have no more elements than a few times the message's
 * bytes, as each element takes at least one byte. This stops a short message from asking for gigabytes, and real values
 * never notice. Reading a hash table hashes its contents, and tables in tables can double that work with each level; so
 * a message with a hash table may not be nested as deeply as others.
 */
public final class AllowList {
    private static final int DEEPEST = 500;
    private static final int DEEPEST_WITH_HASHES = 32;
    /**
     * How many elements a message may have for each byte: a hash table with the lowest load factor that the JDK reads
     * has 8 slots for an entry of at least 2 bytes.
     */
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
            // only stand-ins for these are made from a stream: their classes are listed as elements of arrays
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

    /** The jars and folders of submitted tasks, and of objects sent with them. */
    private final Set<String> taskLocations = ConcurrentHashMap.newKeySet();
    /**
     * The {@linkplain LoaderNumbers numbers} of the loaders of submitted tasks that come from no jar or folder, such as
     * tasks compiled in memory.
     */
    private final Set<Integer> taskLoaders = ConcurrentHashMap.newKeySet();
    /** Looks up each class once, and holds no class: a pool may outlive the loader of a plugin. */
    private final ClassValue<Boolean> places = new ClassValue<>() {
        @Override
        protected Boolean computeValue(Class<?> sent) {
            if (!isJdk(sent)) { // the JDK has a place and a loader, too, with all kinds of classes
                allowPlaceOf(sent);
            }
            return true;
        }
    };
    /** Whether folders of classes are allowed as well. */
    private final boolean trustsFolders;

    private final List<String> named;
    /** The method that adds to the list, for messages. */
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
     * @param remedy the method that adds to the list, for messages
     */
    public AllowList(List<String> named, String remedy) {
        this(named, remedy, false);
    }

    private AllowList(List<String> named, String remedy, boolean trustsFolders) {
        this.named = List.copyOf(named);
        this.remedy = remedy;
        this.trustsFolders = trustsFolders;
    }

    /** Creates the list for processes that this process starts. */
    public static AllowList forWorkers(List<String> named) {
        return new AllowList(named, "allow", true);
    }

    /** Creates the list that this process's parent made, and sent here with an object. */
    public AllowList(List<String> named, Collection<String> locations) {
        this(named);
        taskLocations.addAll(locations);
    }

    /** Returns a list that also has the classes of some patterns. */
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
     * Checks patterns when they are given: otherwise a malformed pattern would show only when a value is refused, much
     * later.
     *
     * @throws IllegalArgumentException naming the malformed pattern
     */
    public static void ensurePatterns(String... patterns) {
        for (String pattern : patterns) {
            if (!isPattern(pattern)) {
                throw new IllegalArgumentException(
                        "allow must be a class, package.* or package.**, such as com.acme.Money, com.acme.* or "
                                + "com.acme.**, was \""
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

    /** Does not ask the compiler, which knows Java's keywords: other languages have others. */
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

    /** Allows the classes beside the class of a task, or of an object that is sent with it. */
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

    /**
     * Returns whether a location is a module of the JDK, with all kinds of classes. An application's modules in the
     * same image are its own.
     */
    private static boolean isOfJdk(URL location) {
        return location.getProtocol().equals("jrt")
                && (location.getPath().startsWith("/java.") || location.getPath().startsWith("/jdk."));
    }

    private static boolean isFolder(String location) {
        return location.startsWith("file:") && location.endsWith("/");
    }

    /**
     * Returns whether a class is an exception without code that runs when it is read: only its fields are set, to
     * values that are checked themselves.
     */
    private static boolean isInert(Class<?> type) {
        if (!Throwable.class.isAssignableFrom(type) || Externalizable.class.isAssignableFrom(type)) {
            return false;
        }
        for (Class<?> above = type; above != null && !isJdk(above); above = above.getSuperclass()) {
            try {
                if (Arrays.stream(above.getDeclaredMethods()).anyMatch(AllowList::isHook)) {
                    return false;
                }
            } catch (LinkageError e) { // it refers to classes that are missing here
                return false;
            }
        }
        return true;
    }

    /** Returns whether the JVM calls a method when it reads or finalizes an object. */
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
        // the unnamed package has no pattern
        String pattern = packageName.isEmpty() ? type.getName() : packageName + ".*";
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
                || MemorySegment.class.isAssignableFrom(type); // only stand-ins for these are made from a stream
    }

    /** Returns whether a class is this library's own. */
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

    /**
     * Lets this thread's filter pass an object that a form of this library has made: the stream asks about it next, as
     * if it were in the message.
     */
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
        /** Whether there is a stand-in for a list, set or map of {@code of}; the stream does not tell which. */
        private boolean hasOneOfOf;
        private long deepest;
        /** How many elements all arrays have so far: nested arrays exist at the same time. */
        private long elements;
        private @Nullable String refusal;

        Filter(int messageBytes, @Nullable Effort effort) {
            this.messageBytes = messageBytes;
            this.effort = effort;
            MADE.remove(); // left by an earlier message without a filter
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
            // For an object whose class occurred before, the stream tells only the depth.
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
                return refuse("nested too deeply: more than " + limit + " levels"
                        + (hasHashTable ? " with a map or set among them" : "")
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

        /** Returns what was refused and how to allow it, or null; the stream's own exception does not say. */
        @Nullable String refusal() {
            return refusal;
        }

        private Status refuse(String what) {
            refusal = what;
            return Status.REJECTED;
        }
    }
}
