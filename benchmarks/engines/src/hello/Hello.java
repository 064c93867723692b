import dev.sennit.server.Routes;
import dev.sennit.server.WebApplication;
import dev.sennit.server.WebResponse;

/** Answers "Hello, world" to everything, as all servers of the comparison do. */
public final class Hello implements WebApplication {
    private static final byte[] HELLO = "Hello, world\n".getBytes(java.nio.charset.StandardCharsets.UTF_8);

    @Override
    public Routes routes() {
        return Routes.create().get("/", _ -> WebResponse.bytes("text/plain", HELLO));
    }
}
