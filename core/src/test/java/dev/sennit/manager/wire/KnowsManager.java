package dev.sennit.manager.wire;

import dev.sennit.manager.ManagerServer;

/** A canary: what is said knows who says it. */
public final class KnowsManager {
    private KnowsManager() {}

    public static Object open() {
        return ManagerServer.local();
    }
}
