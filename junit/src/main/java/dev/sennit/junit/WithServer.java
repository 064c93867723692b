package dev.sennit.junit;

import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Repeatable;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A class of JUnit tests that need a real server, which its constructor and its methods get as a parameter.
 *
 * {@snippet :
 * import dev.sennit.junit.WithServer;
 * import dev.sennit.testing.server.ServerKind;
 * import dev.sennit.testing.server.TestServer;
 * import org.junit.jupiter.api.Test;
 *
 * @WithServer(ServerKind.REDIS)
 * class OrdersTest {
 *     @Test
 *     void survivesAKill(TestServer redis) throws Exception {
 *         redis.kill();
 *         redis.start();
 *         System.out.println(redis.uri());
 *     }
 * }
 * }
 *
 * <p>The server starts before the first test of the class and ends after the last, those of nested classes included.
 * Before each test it is started again if the test before has stopped or killed it, and resumed; its data stays.
 *
 * <p>A class that needs several kinds says so several times; a parameter then says which it is:
 * {@code @WithServer(ServerKind.REDIS) TestServer redis}.
 *
 * <p>If the server is not installed, the tests fail, and the message says what to install. With the system property
 * {@code sennit.servers.optional=true} they are skipped, for that reason: for builds on machines that need not have it.
 *
 * @see TestServer
 */
@Documented
@Inherited
@Target({ElementType.TYPE, ElementType.PARAMETER})
@Retention(RetentionPolicy.RUNTIME)
@Repeatable(WithServer.Several.class)
@ExtendWith(ServerExtension.class)
public @interface WithServer {
    /**
     * Returns the kind of server.
     *
     * @return the kind
     */
    ServerKind value();

    /**
     * Returns more lines for its configuration. Of no meaning at a parameter.
     *
     * @return such as {@code max_connections = 20}, see {@link TestServer.Builder#configuration}
     */
    String[] configuration() default {};

    /**
     * Returns whether it waits for the disk, see {@link TestServer.Builder#fsync}. Of no meaning at a parameter.
     *
     * @return true, unless the test need not care
     */
    boolean fsync() default true;

    /**
     * Returns whether all classes of this JVM that say so, with the same settings, use one server, which ends with
     * JUnit's launcher session, thus after the last test of all. Its data is what the classes before have left. Of no
     * meaning at a parameter.
     *
     * @return false: each class has its own
     */
    boolean shared() default false;

    /** Several servers for one class. The compiler puts it there. */
    @Documented
    @Inherited
    @Target({ElementType.TYPE, ElementType.PARAMETER})
    @Retention(RetentionPolicy.RUNTIME)
    @ExtendWith(ServerExtension.class)
    @interface Several {
        /**
         * Returns the servers.
         *
         * @return each of them
         */
        WithServer[] value();
    }
}
