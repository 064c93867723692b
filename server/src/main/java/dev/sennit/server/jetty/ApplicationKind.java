package dev.sennit.server.jetty;

import dev.sennit.server.WebApplication;
import org.jspecify.annotations.Nullable;

/**
 * Makes applications of classes that {@code sennit-server} does not know. Found as a service, when a class is named as
 * an application that is neither a {@link WebApplication} nor a handler of the JDK's.
 */
public interface ApplicationKind {
    /**
     * Returns the application of a class.
     *
     * @param type the class
     * @return the application; null if the class is none of this kind
     */
    @Nullable WebApplication of(Class<?> type);
}
