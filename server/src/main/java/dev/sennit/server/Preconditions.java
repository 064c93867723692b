package dev.sennit.server;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import org.eclipse.jetty.http.HttpDateTime;

/**
 * The conditions of a request: {@code If-Match}, {@code If-None-Match}, {@code If-Modified-Since},
 * {@code If-Unmodified-Since} and {@code If-Range}, in the order of RFC 9110, section 13.2.2.
 *
 * {@snippet :
 * import dev.sennit.server.*;
 *
 * Map<String, Integer> stock = new ConcurrentHashMap<>();
 * WebHandler put = request -> {
 *     synchronized (stock) { // so that nobody changes it between the check and the change
 *         Optional<ResourceVersion> now = Optional.ofNullable(stock.get(request.parameter("id")))
 *                 .map(count -> ResourceVersion.of(ETag.strong(Integer.toString(count))));
 *         OptionalInt refusal = Preconditions.of(request).evaluate(now);
 *         if (refusal.isPresent()) {
 *             return WebResponse.of(refusal.getAsInt());
 *         }
 *         stock.put(request.parameter("id"), Integer.valueOf(new String(request.bytes())));
 *         return WebResponse.of(204);
 *     }
 * };
 * }
 *
 * <p>A date that cannot be read is no condition. Fields with tags that cannot be read match nothing. Immutable.
 */
public final class Preconditions {
    /** The request may be answered. */
    private static final OptionalInt NONE = OptionalInt.empty();

    private static final DateTimeFormatter DATE =
            DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ENGLISH);
    private static final OptionalInt NOT_MODIFIED = OptionalInt.of(304);
    private static final OptionalInt FAILED = OptionalInt.of(412);

    private final String method;
    private final Function<String, List<String>> fields;

    private Preconditions(String method, Function<String, List<String>> fields) {
        this.method = method;
        this.fields = fields;
    }

    /**
     * The conditions of a request.
     *
     * @param request the request
     * @return its conditions
     */
    public static Preconditions of(WebRequest request) {
        return of(request.method(), request::headers);
    }

    /**
     * The conditions of header fields.
     *
     * @param method the method of the request
     * @param fields returns all values of a field
     */
    static Preconditions of(String method, Function<String, List<String>> fields) {
        return new Preconditions(Objects.requireNonNull(method, "method"), fields);
    }

    /**
     * Tells whether the request is to be answered, or with which status at once. To be called if the answer without
     * conditions would be a success.
     *
     * @param current the version that is there; empty if nothing is there
     * @return 304 or 412; empty if the request is to be answered
     */
    public OptionalInt evaluate(Optional<ResourceVersion> current) {
        // a condition on a time counts only where there is one
        Optional<Instant> changed = current.flatMap(ResourceVersion::lastModified).map(Preconditions::seconds);
        Optional<String> ifMatch = field("If-Match");
        if (ifMatch.isPresent()) {
            if (!matches(ifMatch.get(), current, ETag::equalsStrongly)) {
                return FAILED;
            }
        } else {
            Optional<Instant> unmodifiedSince = date("If-Unmodified-Since");
            if (changed.isPresent() && unmodifiedSince.isPresent() && changed.get().isAfter(unmodifiedSince.get())) {
                return FAILED;
            }
        }
        boolean isRead = method.equals("GET") || method.equals("HEAD");
        Optional<String> ifNoneMatch = field("If-None-Match");
        if (ifNoneMatch.isPresent()) {
            return !matches(ifNoneMatch.get(), current, ETag::equalsWeakly) ? NONE : isRead ? NOT_MODIFIED : FAILED;
        }
        Optional<Instant> modifiedSince = isRead ? date("If-Modified-Since") : Optional.empty();
        return changed.isPresent() && modifiedSince.isPresent() && !changed.get().isAfter(modifiedSince.get())
                ? NOT_MODIFIED
                : NONE;
    }

    /**
     * Tells whether a {@code Range} of the request counts: not if {@code If-Range} names another version, as the parts
     * would not fit together.
     *
     * @param current the version that is there
     * @return whether a part may be sent
     */
    public boolean allowsRange(ResourceVersion current) {
        Optional<String> ifRange = field("If-Range");
        if (ifRange.isEmpty()) {
            return true;
        }
        List<ETag> tags = ETag.list(ifRange.get());
        if (!tags.isEmpty()) {
            return current.tag().isPresent() && tags.getFirst().equalsStrongly(current.tag().get());
        }
        Optional<Instant> date = date("If-Range");
        return date.isPresent() && current.lastModified().map(Preconditions::seconds).equals(date);
    }

    /**
     * Tells whether the request says which version it is for.
     *
     * @return whether there is {@code If-Match}, {@code If-None-Match} or a date of {@code If-Unmodified-Since}
     */
    public boolean namesVersion() {
        return field("If-Match").isPresent() || field("If-None-Match").isPresent()
                || date("If-Unmodified-Since").isPresent();
    }

    /** How two tags are compared. */
    @FunctionalInterface
    private interface Comparison {
        boolean areEqual(ETag one, ETag other);
    }

    private static boolean matches(String text, Optional<ResourceVersion> current, Comparison comparison) {
        if (text.strip().equals("*")) {
            return current.isPresent();
        }
        Optional<ETag> tag = current.flatMap(ResourceVersion::tag);
        return tag.isPresent()
                && ETag.list(text).stream().anyMatch(each -> comparison.areEqual(each, tag.get()));
    }

    /** HTTP's dates have no fractions of a second. */
    private static Instant seconds(Instant time) {
        return time.truncatedTo(ChronoUnit.SECONDS);
    }

    private Optional<String> field(String name) {
        List<String> values = fields.apply(name);
        return values.isEmpty() ? Optional.empty() : Optional.of(String.join(",", values));
    }

    private Optional<Instant> date(String name) {
        List<String> values = fields.apply(name);
        if (values.size() != 1) {
            return Optional.empty();
        }
        try {
            return Optional.of(HttpDateTime.parse(values.getFirst()).toInstant());
        } catch (RuntimeException e) { // no date
            return Optional.empty();
        }
    }

    /**
     * Returns a time as it stands in header fields.
     *
     * @param time a time
     * @return {@code Sun, 06 Nov 1994 08:49:37 GMT}, for example
     */
    public static String date(Instant time) {
        return DATE.format(time.atOffset(ZoneOffset.UTC));
    }

    /** Returns the method, and the conditions that there are. */
    @Override
    public String toString() {
        StringBuilder shown = new StringBuilder(method);
        for (String name : List.of("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since")) {
            field(name).ifPresent(value -> shown.append(' ').append(name).append(": ").append(value));
        }
        return shown.toString();
    }
}
