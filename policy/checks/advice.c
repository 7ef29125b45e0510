/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/advice.h"

#define OTHER_STAGES                                                         \
	"Stages that are not the last leave no history, and what they hold " \
	"is not in the image either."

const struct advice advices[DETECTORS] = {
    [DETECT_BUILD_TOOLS] = {"build tools are left in the image",
	"build in a separate stage and copy only the result",
	"A compiler and its headers weigh hundreds of MiB, need patching, and "
	"are what an intruder wishes for. What is removed in the same "
	"instruction is not held against it.",
	"# Dockerfile\n"
	"FROM debian:12 AS build\n"
	"RUN apt-get update && apt-get install -y --no-install-recommends \\\n"
	"        g++ make\n"
	"COPY . /src\n"
	"RUN make -C /src\n"
	"\n"
	"FROM debian:12-slim\n"
	"COPY --from=build /src/app /usr/local/bin/app\n",
	"Tools that are copied in, or that a script installs. " OTHER_STAGES},
    [DETECT_PACKAGE_CACHE] = {"a package manager's cache is left in the image",
	"clear it in the same RUN (rm -rf /var/lib/apt/lists/*, apk add "
	"--no-cache, dnf clean all, pip install --no-cache-dir, npm cache "
	"clean --force), or mount a cache there",
	"Lists and packages that nobody reads again are pulled by every node. "
	"Removing them in a later RUN hides them and saves nothing: the layer "
	"that has them stays.",
	"# Dockerfile\n"
	"RUN --mount=type=cache,target=/root/.cache/pip \\\n"
	"    pip install -r requirements.txt\n"
	"RUN apt-get update \\\n"
	"    && apt-get install -y --no-install-recommends ca-certificates \\\n"
	"    && rm -rf /var/lib/apt/lists/*\n",
	"Cache mounts leave no trace in the history, so a layer under 1 MiB "
	"is believed to be clean; what a script does is not seen."},
    [DETECT_BROAD_COPY] = {"the whole build context is copied",
	"copy only what runs, and list the rest in .dockerignore",
	"`COPY . .` takes along .git, tests and whatever lay about on the "
	"machine that built it, secrets too, and breaks the cache on every "
	"change of any file.",
	"# Dockerfile\n"
	"COPY package.json package-lock.json ./\n"
	"RUN npm ci --omit=dev\n"
	"COPY src ./src\n",
	"What .dockerignore left out, and whether the sources came from "
	"another stage where the builder does not write that down."},
    [DETECT_PIPE_TO_SHELL] = {"a download is run without being looked at",
	"download to a file, compare its checksum, then run it",
	"Whoever controls the address, or the way to it, on the day of the "
	"build runs what he likes in it. A checksum makes it the script that "
	"was read.",
	"# Dockerfile\n"
	"ADD --checksum=sha256:2c7e0b... https://example.com/install.sh /tmp/\n"
	"RUN sh /tmp/install.sh && rm /tmp/install.sh\n",
	"A download in one instruction that another one runs, and what a "
	"script downloads by itself."},
    [DETECT_EMBEDDED_SECRET] = {"a secret stands in the history",
	"withdraw the secret, for it is in the image for ever, and use RUN "
	"--mount=type=secret",
	"Arguments and environment of the build stand in the image's config, "
	"which whoever may pull it can read. Findings name the variable and "
	"never the value.",
	"# Dockerfile, built with: --secret id=token,src=token.txt\n"
	"RUN --mount=type=secret,id=token \\\n"
	"    TOKEN=\"$(cat /run/secrets/token)\" ./fetch.sh\n",
	"Secrets in files of a layer, and values that look like anything "
	"else. Dummies with a telling name are taken for secrets."},
    [DETECT_RECURSIVE_CHOWN] = {"files are stored again to change their owner "
				"or mode",
	"use COPY --chown and --chmod, or change them in the RUN that makes "
	"them",
	"A layer holds whole files: to change the owner of a GiB is to store "
	"and to pull it twice.",
	"# Dockerfile\n"
	"COPY --chown=1000:1000 --chmod=0555 app /app\n",
	"Which files it was: it is told where the layer is at least 1 MiB and "
	"half as large as an earlier one above the base."},
    [DETECT_CACHE_ORDER] = {"dependencies are installed after the sources are "
			    "copied, so every commit pulls them anew",
	"copy the lock file alone, install, then copy the sources",
	"A layer is used again while the instructions before it are the same. "
	"Behind the sources it never is, and each release costs each node all "
	"of the dependencies.",
	"# Dockerfile\n"
	"COPY go.mod go.sum ./\n"
	"RUN go mod download\n"
	"COPY . .\n"
	"RUN go build -o /app ./cmd/app\n",
	"Which files a COPY brings; what it cannot tell from the names it "
	"leaves alone. " OTHER_STAGES},
    [DETECT_DEV_DEPENDENCIES] = {"development packages are installed",
	"install for production: npm ci --omit=dev, pip install -r "
	"requirements.txt, bundle config set without development",
	"Test runners and linters weigh more than many an application, and "
	"their holes are reported against it.",
	"# Dockerfile\n"
	"ENV NODE_ENV=production\n"
	"COPY package.json package-lock.json ./\n"
	"RUN npm ci --omit=dev\n",
	"What a lock file lists, and packages that a later instruction "
	"prunes in a layer of its own."},
};
